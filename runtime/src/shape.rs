//! Shapes of tensors.

/// The most dimensions that an input has.
pub const MAX_RANK: usize = 6;

/// The number of elements of a shape, unless it overflows.
#[inline]
pub(crate) fn elements(shape: &[usize]) -> Option<usize> {
    match shape.iter().try_fold(1usize, |n, &d| n.checked_mul(d)) {
        Some(n) => Some(n),
        // A zero anywhere makes it empty, whatever the others are.
        None => shape.contains(&0).then_some(0),
    }
}

/// A shape of at most [`MAX_RANK`] dimensions.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Shape {
    sizes: [usize; MAX_RANK],
    rank: usize,
}

impl Shape {
    // Inlined where other crates compile what uses it: a call costs more than the work.
    /// Of rank `rank`, at most [`MAX_RANK`], all sizes 1.
    #[inline]
    pub(crate) fn ones(rank: usize) -> Self {
        Self {
            sizes: [1; MAX_RANK],
            rank: rank.min(MAX_RANK),
        }
    }
    /// The sizes of all dimensions, to be set.
    #[inline]
    pub(crate) fn sizes_mut(&mut self) -> &mut [usize] {
        &mut self.sizes[..self.rank]
    }
    #[inline]
    pub(crate) fn as_slice(&self) -> &[usize] {
        &self.sizes[..self.rank]
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn elements_of_any_shape() {
        for (shape, want) in [
            (vec![], Some(1)),
            (vec![2, 3, 4], Some(24)),
            (vec![usize::MAX, 1], Some(usize::MAX)),
            (vec![usize::MAX, 2], None),
            (vec![usize::MAX, 2, 0], Some(0)),
            (vec![0, usize::MAX, 2], Some(0)),
        ] {
            assert_eq!(elements(&shape), want, "{shape:?}");
        }
    }
}
