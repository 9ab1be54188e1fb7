//! `y[o, i] = mean over n of M(inputs at (o, n, i))`, and its rounding error.
//!
//! f32 is summed in f64. f64 is summed together with the error of every addition. The order depends on the shape alone.
//! So the mean of equal values is that value, and a mean is finite if the type can hold it.

use super::job::{Block, Job, Segments, TOTALS, WIDE};
use crate::cpu::Cpu;
use crate::cpu::lanes::{evaluate, size_of_dtype};
use crate::cpu::rows::Shared;
use crate::device::{Addr, Axis, Operand};
use crate::isa::{Isa, Kernel, dispatch};
use crate::lanes::LANES;
use crate::{Float, MapBody, Mask, Pack};

/// A sum, and the rounding error of its additions.
#[derive(Clone, Copy)]
struct Total {
    sum: f64,
    lost: f64,
}

/// Whether sums of `F` in f64 are practically exact.
const fn narrow<F>() -> bool {
    size_of::<F>() < size_of::<f64>()
}

impl Total {
    const ZERO: Total = Total {
        sum: 0.0,
        lost: 0.0,
    };

    /// Adds one value (Knuth's two-sum).
    #[cfg_attr(not(debug_assertions), inline(always))]
    fn add<F: Float>(self, x: f64) -> Total {
        let sum = self.sum + x;
        if narrow::<F>() {
            return Total { sum, lost: 0.0 };
        }
        let part = sum - self.sum;
        let lost = (self.sum - (sum - part)) + (x - part);
        Total {
            sum,
            lost: self.lost + lost,
        }
    }

    #[cfg_attr(not(debug_assertions), inline(always))]
    fn merge<F: Float>(self, other: Total) -> Total {
        let mut all = self.add::<F>(other.sum);
        all.lost += other.lost;
        all
    }

    /// The mean of `n` values, and its rounding error.
    #[cfg_attr(not(debug_assertions), inline(always))]
    fn mean<F: Float>(self, n: usize) -> [F; 2] {
        let n = n as f64;
        let mean = self.sum / n;
        if narrow::<F>() {
            let y = F::from_f64(mean);
            return [y, F::from_f64(mean - y.to_f64())];
        }
        if !mean.is_finite() {
            return [F::from_f64(mean), F::ZERO];
        }
        let rest = ((-mean).mul_add(n, self.sum) + self.lost) / n;
        let y = mean + rest;
        [F::from_f64(y), F::from_f64(rest - (y - mean))]
    }
}

/// Totals side by side.
#[derive(Clone, Copy)]
struct Totals {
    sum: [f64; LANES],
    lost: [f64; LANES],
}

impl Totals {
    const ZERO: Totals = Totals {
        sum: [0.0; LANES],
        lost: [0.0; LANES],
    };

    #[cfg_attr(not(debug_assertions), inline(always))]
    fn add<F: Float>(&mut self, x: Pack<F>) {
        for i in 0..LANES {
            let total = self.lane(i).add::<F>(x.0[i].to_f64());
            self.sum[i] = total.sum;
            if !narrow::<F>() {
                self.lost[i] = total.lost;
            }
        }
    }

    #[cfg_attr(not(debug_assertions), inline(always))]
    fn lane(&self, i: usize) -> Total {
        Total {
            sum: self.sum[i],
            lost: self.lost[i],
        }
    }
}

/// A block of [`Job`] whose values are averaged.
struct Means<'a, 'b, M, F, const I: usize>(Block<'a, 'b, M, F, I, Total>);

impl<M: MapBody, F: Float, const I: usize> Kernel for Means<'_, '_, M, F, I> {
    type Output = ();
    #[cfg_attr(not(debug_assertions), inline(always))]
    unsafe fn run<S: Isa>(self) {
        let along = if self.0.job.axis.inner == 1 { 1 } else { 2 };
        // SAFETY: the kernels' contract.
        unsafe {
            match (along, self.0.job.strides_as_declared(along)) {
                (1, true) => self.along::<S, true>(),
                (1, false) => self.along::<S, false>(),
                (_, true) => self.across::<S, true>(),
                (_, false) => self.across::<S, false>(),
            }
        }
    }
}

impl<M: MapBody, F: Float, const I: usize> Means<'_, '_, M, F, I> {
    /// One column of contiguous elements: the packs lie along n.
    ///
    /// # Safety
    /// The kernels' contract, and `S`'s instructions.
    #[cfg_attr(not(debug_assertions), inline(always))]
    unsafe fn along<S: Isa, const STATIC: bool>(self) {
        let Block { job, o, n, .. } = self.0;
        let sources = job.sources([o, 0, 0], 1);
        let zero = Pack::splat(0.0);
        // SAFETY: positions stay below the end of n.
        let value = |at, count| unsafe {
            evaluate::<M, F, S, I, 1, false, STATIC>(&sources, zero, at, count, job.scalars)[0]
                .float
        };
        let (mut even, mut odd) = (Totals::ZERO, Totals::ZERO);
        let (mut at, to) = n;
        while at + 2 * LANES <= to {
            even.add(value(at, LANES));
            odd.add(value(at + LANES, LANES));
            at += 2 * LANES;
        }
        while at < to {
            let count = LANES.min(to - at);
            even.add(Mask::first(count).select(value(at, count), zero));
            at += count;
        }
        let mut total = Total::ZERO;
        for i in 0..LANES {
            let both = even.lane(i).merge::<F>(odd.lane(i));
            total = total.merge::<F>(both);
        }
        self.0.totals[0] = total;
    }

    /// Columns side by side: the packs lie across them.
    ///
    /// # Safety
    /// The kernels' contract, and `S`'s instructions.
    #[cfg_attr(not(debug_assertions), inline(always))]
    unsafe fn across<S: Isa, const STATIC: bool>(self) {
        let Block {
            job,
            o,
            n: (from, to),
            i,
            width,
            totals,
        } = self.0;
        let zero = Pack::splat(0.0);
        let mut sums = [Totals::ZERO; WIDE / LANES];
        let mut sources = job.sources([o, from, 0], 2);
        for _ in from..to {
            for (p, sum) in sums[..width.div_ceil(LANES)].iter_mut().enumerate() {
                let count = LANES.min(width - p * LANES);
                // SAFETY: columns stay below the width.
                let value = unsafe {
                    evaluate::<M, F, S, I, 1, false, STATIC>(
                        &sources,
                        zero,
                        i + p * LANES,
                        count,
                        job.scalars,
                    )
                };
                sum.add(value[0].float);
            }
            for k in 0..I {
                let size = size_of_dtype::<F>(M::INPUTS[k].ty);
                sources[k].advance(job.inputs[k].strides[1], size);
            }
        }
        for (j, total) in totals[..width].iter_mut().enumerate() {
            *total = sums[j / LANES].lane(j % LANES);
        }
    }
}

/// The means and, if `rest` is given, the rounding error of each.
///
/// # Safety
/// The kernels' contract.
pub(super) unsafe fn mean<M: MapBody, F: Float, const I: usize>(
    cpu: &Cpu<F>,
    axis: Axis,
    inputs: [Operand<3>; I],
    scalars: &[f64],
    y: Addr,
    rest: Option<Addr>,
) {
    let Axis { outer, n, inner } = axis;
    let job = Job::<M, F, I>::new(axis, inputs, scalars);
    let y = Shared(y.cast::<F>());
    let rest = rest.map(|rest| Shared(rest.cast::<F>()));
    let write = |at: usize, total: Total| {
        let [mean, lost] = total.mean::<F>(n);
        // SAFETY: the kernels' contract.
        unsafe {
            *y.get().add(at) = mean;
            if let Some(rest) = &rest {
                *rest.get().add(at) = lost;
            }
        }
    };
    let cuts = inner.div_ceil(WIDE);
    let total = outer * n * inner;
    let segments = (outer * cuts == 1).then(|| Segments::new(n, inner, LANES));
    if let Some(segments) = segments.flatten() {
        // One block is the work of one thread: divides n, and combines in order.
        let mut partial = [Total::ZERO; TOTALS];
        let places = Shared(partial.as_mut_ptr());
        let width = segments.width;
        cpu.pool().run(segments.count, |s| {
            // SAFETY: every part has its own places, and the places outlive the region.
            let totals =
                unsafe { std::slice::from_raw_parts_mut(places.get().add(s * width), width) };
            dispatch(Means(Block {
                job: &job,
                o: 0,
                n: segments.range(n, s),
                i: 0,
                width: inner,
                totals,
            }));
        });
        for i in 0..inner {
            let all = partial.chunks(width).take(segments.count);
            write(i, all.fold(Total::ZERO, |sum, p| sum.merge::<F>(p[i])));
        }
        return;
    }
    cpu.share(outer * cuts, total.max(outer * inner), |from, to| {
        let mut totals = [Total::ZERO; WIDE];
        for unit in from..to {
            let (o, i) = (unit / cuts, unit % cuts * WIDE);
            let width = WIDE.min(inner - i);
            dispatch(Means(Block {
                job: &job,
                o,
                n: (0, n),
                i,
                width,
                totals: &mut totals,
            }));
            for (j, total) in totals[..width].iter().enumerate() {
                write(o * inner + i + j, *total);
            }
        }
    });
}
