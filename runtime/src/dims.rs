//! The sizes of a plan's named dimensions.

use std::ops::Deref;

/// The most named dimensions that one function has.
pub const MAX_DIMS: usize = 8;

/// The sizes of a plan's named dimensions, in the plan's order.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Dims {
    sizes: [usize; MAX_DIMS],
    len: usize,
}

impl Dims {
    /// The first `len` of these.
    pub(crate) fn new(sizes: [usize; MAX_DIMS], len: usize) -> Self {
        Self { sizes, len }
    }
}

impl Deref for Dims {
    type Target = [usize];
    #[inline]
    fn deref(&self) -> &[usize] {
        &self.sizes[..self.len]
    }
}
