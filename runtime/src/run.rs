//! Stand-in: a run.

use crate::device::Stream;
use crate::{Device, Plan, Result};

/// A run.
pub struct Run<'a, D: Device> {
    pub(crate) device: &'a D,
    pub(crate) plan: &'static Plan,
    pub(crate) grads: Option<&'a D::Buffer>,
    pub(crate) params: &'a D::Buffer,
    pub(crate) arena: &'a D::Buffer,
    pub(crate) offsets: &'a [usize],
    pub(crate) stream: Stream,
    pub(crate) error: Option<crate::Error>,
}

impl<D: Device> Run<'_, D> {
    /// The first byte of a slot.
    pub fn slot(&self, k: usize) -> usize {
        self.offsets[k]
    }
    /// Sets elements.
    pub fn fill(&mut self, to: crate::View, value: f64) {
        let (base, by) = match to.space {
            crate::Space::Grad => (D::addr(self.grads.unwrap()), size_of::<D::Float>()),
            _ => (D::addr(self.arena), 1),
        };
        unsafe {
            self.device
                .fill(to.dtype, to.len, value, base.add(to.offset * by))
        }
    }
    /// Ends.
    pub fn finish(self) -> Result<()> {
        let _ = (self.plan, self.params, self.stream);
        self.error.map_or(Ok(()), Err)
    }
}
