//! The common parts of reductions: their operands, and their division into blocks.

// Several arrays of one length are iterated together, for which an index is clearest.
#![allow(clippy::needless_range_loop)]

use std::marker::PhantomData;

use crate::cpu::lanes::{Src, size_of_dtype};
use crate::device::{Axis, Operand};
use crate::lanes::LANES;
use crate::{Float, Inner, MapBody};

/// Columns of a block.
pub(super) const WIDE: usize = 64;
/// The maximum number of segments of a long single reduction.
const SEGMENTS: usize = 64;
/// The number of elements up to which there is one segment.
const SEGMENT: usize = 16_384;
/// The totals of all segments. They lie on the stack, where a frame of 32 KiB or more is a hazard (`small.rs`).
pub(super) const TOTALS: usize = 1_024;

/// The segments of a long single reduction, which several threads share. They depend on the sizes alone.
pub(super) struct Segments {
    pub(super) count: usize,
    /// The elements of n in each but the last.
    pub(super) length: usize,
    /// The totals of each.
    pub(super) width: usize,
}

impl Segments {
    /// Those of a reduction of n at up to [`WIDE`] columns; `None` where one is enough. Lengths are multiples of `unit`.
    pub(super) fn new(n: usize, inner: usize, unit: usize) -> Option<Self> {
        let width = inner.next_multiple_of(LANES);
        if n <= 1 || width > WIDE || n * inner <= SEGMENT {
            return None;
        }
        let most = SEGMENTS.min(TOTALS / width.max(1));
        let count = (n * inner / SEGMENT + 1).min(most);
        let length = n.div_ceil(count).next_multiple_of(unit);
        let count = n.div_ceil(length);
        Some(Self {
            count,
            length,
            width,
        })
    }

    /// The range of n of a segment.
    pub(super) fn range(&self, n: usize, segment: usize) -> (usize, usize) {
        let from = segment * self.length;
        (from, n.min(from + self.length))
    }
}

/// A reduction.
pub(super) struct Job<'a, M, F, const I: usize> {
    pub(super) axis: Axis,
    pub(super) inputs: [Operand<3>; I],
    pub(super) scalars: &'a [f64],
    pub(super) body: PhantomData<(M, F)>,
}

// SAFETY: the addresses are used under the kernels' contract, for reading.
unsafe impl<M, F, const I: usize> Sync for Job<'_, M, F, I> {}

/// A range of n at `width` columns from (o, i).
pub(super) struct Block<'a, 'b, M, F, const I: usize, T> {
    pub(super) job: &'a Job<'b, M, F, I>,
    pub(super) o: usize,
    pub(super) n: (usize, usize),
    pub(super) i: usize,
    pub(super) width: usize,
    /// One for each column, in whole packs.
    pub(super) totals: &'a mut [T],
}

impl<'a, M: MapBody, F: Float, const I: usize> Job<'a, M, F, I> {
    pub(super) fn new(axis: Axis, inputs: [Operand<3>; I], scalars: &'a [f64]) -> Self {
        Job {
            axis,
            inputs,
            scalars,
            body: PhantomData,
        }
    }

    /// Whether the operands' strides along this dimension are those that the body declares for its innermost one. Then
    /// packs are loaded without checks of the strides.
    #[cfg_attr(not(debug_assertions), inline(always))]
    pub(super) fn strides_as_declared(&self, along: usize) -> bool {
        M::INPUTS
            .iter()
            .zip(&self.inputs)
            .all(|(declared, input)| match declared.inner {
                Inner::Zero => input.strides[along] == 0,
                Inner::One => input.strides[along] == 1,
                Inner::Many => true,
            })
    }

    #[cfg_attr(not(debug_assertions), inline(always))]
    pub(super) fn sources(&self, position: [usize; 3], along: usize) -> [Src; I] {
        let mut sources = [Src::NOWHERE; I];
        for k in 0..I {
            let size = size_of_dtype::<F>(M::INPUTS[k].ty);
            sources[k] = Src::at(&self.inputs[k], size, position, along);
        }
        sources
    }
}
