//! The common parts of reductions: their operands, and their division into blocks.

// Several arrays of one length are iterated together, for which an index is clearest.
#![allow(clippy::needless_range_loop)]

use std::marker::PhantomData;

use crate::cpu::lanes::{Src, size_of_dtype};
use crate::device::{Axis, Operand};
use crate::{Float, Inner, MapBody};

/// Columns of a block.
pub(super) const WIDE: usize = 64;
/// The maximum number of segments of a long single reduction.
pub(super) const SEGMENTS: usize = 64;
/// The number of elements below which there is one segment.
pub(super) const SEGMENT: usize = 16_384;

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
    pub(super) totals: &'a mut [T; WIDE],
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
    #[inline(always)]
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

    #[inline(always)]
    pub(super) fn sources(&self, position: [usize; 3], along: usize) -> [Src; I] {
        let mut sources = [Src::NOWHERE; I];
        for k in 0..I {
            let size = size_of_dtype::<F>(M::INPUTS[k].ty);
            sources[k] = Src::at(&self.inputs[k], size, position, along);
        }
        sources
    }
}
