//! Shapes of tensors.

/// The most dimensions that an input has.
pub const MAX_RANK: usize = 6;

/// The number of elements of a shape, unless it overflows.
pub(crate) fn elements(shape: &[usize]) -> Option<usize> {
    // A zero anywhere makes it empty, whatever the others are.
    if shape.contains(&0) {
        return Some(0);
    }
    shape.iter().try_fold(1usize, |n, &d| n.checked_mul(d))
}

/// A shape of at most [`MAX_RANK`] dimensions.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Shape {
    sizes: [usize; MAX_RANK],
    rank: usize,
}

impl Shape {
    /// Of rank `rank`, at most [`MAX_RANK`], all sizes 1.
    pub(crate) fn ones(rank: usize) -> Self {
        Self {
            sizes: [1; MAX_RANK],
            rank: rank.min(MAX_RANK),
        }
    }
    /// The sizes of all dimensions, to be set.
    pub(crate) fn sizes_mut(&mut self) -> &mut [usize] {
        &mut self.sizes[..self.rank]
    }
    pub(crate) fn as_slice(&self) -> &[usize] {
        &self.sizes[..self.rank]
    }
}
