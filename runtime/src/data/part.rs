//! A batch of samples that stay on a device, as an input.

use std::marker::PhantomData;

use crate::device::{Addr, Axis, Call, What};
use crate::{ArgType, DType, Device};

/// The place of a batch. Made only by [`Picked`](super::Picked); it borrows the buffers, so that they live as long.
#[derive(Clone, Copy, Debug)]
#[doc(hidden)]
pub struct Part<'a> {
    pub(super) device: u64,
    pub(crate) ty: ArgType,
    pub(crate) range: Option<(i64, i64)>,
    pub(super) samples: usize,
    pub(super) sample: usize,
    pub(super) count: usize,
    pub(super) from: usize,
    pub(super) positions: usize,
    pub(super) buffers: PhantomData<&'a ()>,
}

impl Part<'_> {
    /// Number of elements.
    pub(crate) fn len(&self) -> usize {
        self.count * self.sample
    }

    /// Whether it lies on this device.
    pub(crate) fn is_on<D: Device>(&self, device: &D) -> bool {
        self.device == device.id()
    }

    /// Copies the batch.
    ///
    /// # Safety
    /// It is on this device ([`is_on`](Self::is_on)), and `to` begins a range for all of its elements that nothing else
    /// uses now.
    pub(crate) unsafe fn copy<D: Device>(&self, device: &D, to: Addr) {
        let dtype = match self.ty {
            ArgType::Float => DType::Float,
            ArgType::Bool => DType::Bool,
            _ => DType::Int,
        };
        let axis = Axis {
            outer: 1,
            n: self.samples,
            inner: self.sample,
        };
        let from = std::ptr::with_exposed_provenance_mut(self.from);
        let positions = std::ptr::with_exposed_provenance_mut(self.positions);
        let take = Call::Take {
            dtype,
            axis,
            count: self.count,
        };
        // SAFETY: the caller's promise; `pick` has checked every position.
        let _ = unsafe { device.launch(&take, &[from, positions, to], What::default()) };
    }
}
