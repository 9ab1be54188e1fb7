//! `y[o, i] = reduce over n of M(inputs at (o, n, i))`.
//!
//! A block is a range of n for up to [`WIDE`] neighbouring i. Inside it floats are combined in a fixed order in short
//! runs, whose results are combined in double precision. So a sum of a million f32 keeps their accuracy. The blocks
//! depend on the shape alone.

// Several arrays of one length are iterated together, for which an index is clearest.
#![allow(clippy::needless_range_loop)]

mod job;
mod mean;

use std::marker::PhantomData;

use self::job::{Block, Job, Segments, TOTALS, WIDE};
use super::Cpu;
use super::lanes::{evaluate, size_of_dtype};
use super::rows::Shared;
use crate::device::{Addr, Axis, Combine, Operand, ReduceKernels};
use crate::isa::{Isa, Kernel, dispatch};
use crate::lanes::LANES;
use crate::{Float, MapBody, Mask, Pack};

/// Packs along n that are combined in the float type before their results are combined in f64.
const RUN: usize = 64;
/// The result of no elements.
#[cfg_attr(not(debug_assertions), inline(always))]
fn neutral<K: Combine>() -> f64 {
    const { K::COMBINER.neutral() }
}

/// A block whose values are combined in the float type.
struct Combined<'a, 'b, M, F, K, const I: usize> {
    block: Block<'a, 'b, M, F, I, f64>,
    how: PhantomData<K>,
}

impl<'a, 'b, M, F, K, const I: usize> Combined<'a, 'b, M, F, K, I> {
    fn new(block: Block<'a, 'b, M, F, I, f64>) -> Self {
        Self {
            block,
            how: PhantomData,
        }
    }
}

impl<M: MapBody, F: Float, K: Combine, const I: usize> Kernel for Combined<'_, '_, M, F, K, I> {
    type Output = ();
    #[cfg_attr(not(debug_assertions), inline(always))]
    unsafe fn run<S: Isa>(self) {
        let job = self.block.job;
        let along = if job.axis.inner == 1 { 1 } else { 2 };
        // SAFETY: the kernels' contract.
        unsafe {
            match (along, job.strides_as_declared(along)) {
                (1, true) => self.along::<S, true>(),
                (1, false) => self.along::<S, false>(),
                (_, true) => self.across::<S, true>(),
                (_, false) => self.across::<S, false>(),
            }
        }
    }
}

impl<M: MapBody, F: Float, K: Combine, const I: usize> Combined<'_, '_, M, F, K, I> {
    /// One column of contiguous elements: the packs lie along n.
    ///
    /// # Safety
    /// The kernels' contract, and `S`'s instructions.
    #[cfg_attr(not(debug_assertions), inline(always))]
    unsafe fn along<S: Isa, const STATIC: bool>(self) {
        let Combined { block, .. } = self;
        let job = block.job;
        let sources = job.sources([block.o, 0, 0], 1);
        let zero = Pack::splat(0.0);
        let empty = Pack::<F>::splat(neutral::<K>());
        let mut total = neutral::<K>();
        let (mut at, to) = block.n;
        // SAFETY: positions stay below `to`.
        let value = |at, count| unsafe {
            evaluate::<M, F, S, I, 1, false, STATIC>(&sources, zero, at, count, job.scalars)[0]
                .float
        };
        while at < to {
            let end = to.min(at + RUN * LANES);
            // Four separate variables, because an array would be kept in memory.
            let (mut s0, mut s1, mut s2, mut s3) = (empty, empty, empty, empty);
            while at + 4 * LANES <= end {
                s0 = K::combine(s0, value(at, LANES));
                s1 = K::combine(s1, value(at + LANES, LANES));
                s2 = K::combine(s2, value(at + 2 * LANES, LANES));
                s3 = K::combine(s3, value(at + 3 * LANES, LANES));
                at += 4 * LANES;
            }
            while at + LANES <= end {
                s0 = K::combine(s0, value(at, LANES));
                at += LANES;
            }
            if at < end {
                s1 = K::combine(s1, Mask::first(end - at).select(value(at, end - at), empty));
                at = end;
            }
            let sum = K::combine(K::combine(s0, s1), K::combine(s2, s3));
            total = K::combine(total, sum.fold(K::combine).to_f64());
        }
        block.totals[0] = total;
    }

    /// Columns side by side: the packs lie across them.
    ///
    /// # Safety
    /// The kernels' contract, and `S`'s instructions.
    #[cfg_attr(not(debug_assertions), inline(always))]
    unsafe fn across<S: Isa, const STATIC: bool>(self) {
        let Combined { block, .. } = self;
        let job = block.job;
        let zero = Pack::splat(0.0);
        let packs = block.width.div_ceil(LANES);
        block.totals[..packs * LANES].fill(neutral::<K>());
        let (mut at, to) = block.n;
        let mut sources = job.sources([block.o, at, 0], 2);
        while at < to {
            let end = to.min(at + RUN);
            let mut sums = [Pack::<F>::splat(neutral::<K>()); WIDE / LANES];
            while at < end {
                // SAFETY: columns stay below the width.
                unsafe {
                    if block.width == WIDE {
                        for (p, sum) in sums.iter_mut().enumerate() {
                            let first = block.i + p * LANES;
                            let value = evaluate::<M, F, S, I, 1, false, STATIC>(
                                &sources,
                                zero,
                                first,
                                LANES,
                                job.scalars,
                            );
                            *sum = K::combine(*sum, value[0].float);
                        }
                    } else {
                        for p in 0..packs {
                            let count = LANES.min(block.width - p * LANES);
                            let first = block.i + p * LANES;
                            let value = evaluate::<M, F, S, I, 1, false, STATIC>(
                                &sources,
                                zero,
                                first,
                                count,
                                job.scalars,
                            );
                            sums[p] = K::combine(sums[p], value[0].float);
                        }
                    }
                }
                for k in 0..I {
                    sources[k].advance(
                        job.inputs[k].strides[1],
                        size_of_dtype::<F>(M::INPUTS[k].ty),
                    );
                }
                at += 1;
            }
            for p in 0..packs {
                for lane in 0..LANES {
                    let total = &mut block.totals[p * LANES + lane];
                    *total = K::combine(*total, sums[p].0[lane].to_f64());
                }
            }
        }
    }
}

impl<F: Float> ReduceKernels for Cpu<F> {
    unsafe fn reduce<M: MapBody, K: Combine, const I: usize>(
        &self,
        axis: Axis,
        inputs: [Operand<3>; I],
        scalars: &[f64],
        y: Addr,
    ) {
        let Axis { outer, n, inner } = axis;
        let job = Job::<M, F, I>::new(axis, inputs, scalars);
        let y = Shared(y.cast::<F>());
        let cuts = inner.div_ceil(WIDE);
        let total = outer * n * inner;
        let segments = (outer * cuts == 1).then(|| Segments::new(n, inner, RUN));
        if let Some(segments) = segments.flatten() {
            // One block is the work of one thread: divides n, and combines in order.
            let mut partial = [0.0; TOTALS];
            let places = Shared(partial.as_mut_ptr());
            let width = segments.width;
            self.pool().run(segments.count, |s| {
                // SAFETY: every part has its own places, and the places outlive the region.
                let totals =
                    unsafe { std::slice::from_raw_parts_mut(places.get().add(s * width), width) };
                let block = Block {
                    job: &job,
                    o: 0,
                    n: segments.range(n, s),
                    i: 0,
                    width: inner,
                    totals,
                };
                dispatch(Combined::<M, F, K, I>::new(block));
            });
            for i in 0..inner {
                let parts = partial.chunks(width).take(segments.count);
                let sum = parts.fold(neutral::<K>(), |sum, p| K::combine(sum, p[i]));
                // SAFETY: the kernels' contract.
                unsafe { *y.get().add(i) = F::from_f64(sum) };
            }
            return;
        }
        self.share(outer * cuts, total.max(outer * inner), |from, to| {
            let mut totals = [0.0; WIDE];
            for unit in from..to {
                let (o, i) = (unit / cuts, unit % cuts * WIDE);
                let width = WIDE.min(inner - i);
                let block = Block {
                    job: &job,
                    o,
                    n: (0, n),
                    i,
                    width,
                    totals: &mut totals,
                };
                dispatch(Combined::<M, F, K, I>::new(block));
                for (j, sum) in totals[..width].iter().enumerate() {
                    // SAFETY: the kernels' contract.
                    unsafe { *y.get().add(o * inner + i + j) = F::from_f64(*sum) };
                }
            }
        });
    }

    unsafe fn mean<M: MapBody, const I: usize>(
        &self,
        axis: Axis,
        inputs: [Operand<3>; I],
        scalars: &[f64],
        y: Addr,
        rest: Option<Addr>,
    ) {
        // SAFETY: the caller's.
        unsafe { mean::mean::<M, F, I>(self, axis, inputs, scalars, y, rest) }
    }
}
