//! Work along one dimension other than fused reductions: softmax, logsumexp, argmax, running sums.
//!
//! x, y: (outer, n, inner). With `inner == 1` packs lie along n, otherwise across `inner`.

use super::Cpu;
use crate::device::{Axis, Combiner};
use crate::isa::{Isa, Kernel, dispatch, load_floats, store_floats};
use crate::lanes::LANES;
use crate::{Float, Mask, Pack};

/// Elements of work below which one thread is enough.
const PARALLEL: usize = 16_384;

/// An address that parts of a region share. Each part writes different elements.
pub(crate) struct Shared<T>(pub(crate) *mut T);

// SAFETY: an address; its use is under the kernels' contract.
unsafe impl<T> Sync for Shared<T> {}

impl<T> Shared<T> {
    /// The address. (A method, so that closures capture the whole value.)
    #[cfg_attr(not(debug_assertions), inline(always))]
    pub(crate) fn get(&self) -> *mut T {
        self.0
    }
}

impl<F: Float> Cpu<F> {
    /// Divides `units` of equal size between the threads if `work` is large enough. `f` gets a range of units. For
    /// kernels whose units do not depend on each other.
    #[inline]
    pub(crate) fn share(&self, units: usize, work: usize, f: impl Fn(usize, usize) + Sync) {
        let parts = if work < PARALLEL {
            1
        } else {
            self.pool().size().min(units).min(work / (PARALLEL / 2))
        };
        if parts < 2 {
            f(0, units);
        } else {
            self.pool()
                .run(parts, |p| f(units * p / parts, units * (p + 1) / parts));
        }
    }
}

/// The function that [`exponentials`] computes.
#[derive(Clone, Copy, PartialEq)]
pub(crate) enum Work {
    Softmax,
    LogSoftmax,
    LogSumExp,
}

/// One row along n, or up to [`LANES`] neighbouring columns.
struct Line<F> {
    work: Work,
    n: usize,
    /// Distance along n.
    step: usize,
    /// The number of columns, if there are several.
    width: usize,
    x: *const F,
    y: *mut F,
    /// The address of the maximum, for a logsumexp.
    max: *mut F,
}

/// The number that is subtracted before the exponential: the maximum, or 0 if that is infinite.
#[cfg_attr(not(debug_assertions), inline(always))]
pub(crate) fn finite<F: Float>(max: F) -> F {
    if max.abs() == F::INFINITY {
        F::ZERO
    } else {
        max
    }
}

impl<F: Float> Kernel for Line<F> {
    type Output = ();
    #[cfg_attr(not(debug_assertions), inline(always))]
    unsafe fn run<S: Isa>(self) {
        // SAFETY: the caller's.
        unsafe {
            if self.step == 1 {
                self.along::<S>()
            } else {
                self.across::<S>()
            }
        }
    }
}

/// `count` elements as a pack.
///
/// # Safety
/// They are readable, `1 <= count <= LANES`, and the processor has `S`'s instructions.
#[cfg_attr(not(debug_assertions), inline(always))]
pub(crate) unsafe fn read<F: Float, S: Isa>(from: *const F, count: usize) -> Pack<F> {
    // SAFETY: the caller's.
    unsafe {
        Pack(if count == LANES {
            from.cast::<[F; LANES]>().read_unaligned()
        } else {
            load_floats::<F, S>(from, count)
        })
    }
}

/// Writes the first `count` lanes to memory.
///
/// # Safety
/// As for [`read`], writable.
#[cfg_attr(not(debug_assertions), inline(always))]
pub(crate) unsafe fn put<F: Float, S: Isa>(to: *mut F, count: usize, x: Pack<F>) {
    // SAFETY: the caller's.
    unsafe {
        if count == LANES {
            to.cast::<[F; LANES]>().write_unaligned(x.0)
        } else {
            store_floats::<F, S>(to, count, x.0)
        }
    }
}

impl<F: Float> Line<F> {
    /// # Safety
    /// The kernels' contract.
    #[cfg_attr(not(debug_assertions), inline(always))]
    unsafe fn along<S: Isa>(self) {
        let Self {
            work,
            n,
            x,
            y,
            max: to,
            ..
        } = self;
        let low = Pack::all(-F::INFINITY);
        let full = n / LANES * LANES;
        // SAFETY: all positions are below n.
        unsafe {
            let mut max = low;
            for at in (0..full).step_by(LANES) {
                max = max.max(read::<F, S>(x.add(at), LANES));
            }
            if full < n {
                let rest = read::<F, S>(x.add(full), n - full);
                max = max.max(Mask::first(n - full).select(rest, low));
            }
            let max = max.fold(F::max);
            let shift = Pack::all(if work == Work::LogSumExp {
                finite(max)
            } else {
                max
            });
            let (zero, one) = (Pack::splat(0.0), Pack::splat(1.0));
            let (mut total, mut ones) = (0.0, 0.0);
            let mut at = 0;
            while at < n {
                let (mut sum, mut count_ones) = (zero, zero);
                let end = n.min(at + 128 * LANES);
                while at < end {
                    let count = LANES.min(end - at);
                    let e = (read::<F, S>(x.add(at), count) - shift).exp();
                    let e = if count == LANES {
                        e
                    } else {
                        Mask::first(count).select(e, zero)
                    };
                    if work == Work::Softmax {
                        put::<F, S>(y.add(at), count, e);
                        sum = sum + e;
                    } else {
                        let is_one = e.eq(one);
                        sum = sum + is_one.select(zero, e);
                        count_ones = count_ones + is_one.select(one, zero);
                    }
                    at += count;
                }
                total += sum.fold(|a, b| a + b).to_f64();
                ones += count_ones.fold(|a, b| a + b).to_f64();
            }
            let log = F::from_f64(total + (ones - 1.0)).log1p();
            match work {
                Work::LogSumExp => {
                    *y = log;
                    *to = shift.0[0];
                }
                Work::Softmax => {
                    let total = Pack::splat(total);
                    for at in (0..n).step_by(LANES) {
                        let count = LANES.min(n - at);
                        let e = read::<F, S>(y.add(at), count);
                        put::<F, S>(y.add(at), count, e / total);
                    }
                }
                Work::LogSoftmax => {
                    // Two subtractions: the logarithm is small compared to a large maximum.
                    let log = Pack::all(log);
                    for at in (0..n).step_by(LANES) {
                        let count = LANES.min(n - at);
                        let z = read::<F, S>(x.add(at), count) - shift;
                        put::<F, S>(y.add(at), count, z - log);
                    }
                }
            }
        }
    }

    /// # Safety
    /// The kernels' contract.
    #[cfg_attr(not(debug_assertions), inline(always))]
    unsafe fn across<S: Isa>(self) {
        let Self {
            work,
            n,
            step,
            width,
            x,
            y,
            max: to,
        } = self;
        // SAFETY: all positions are inside the columns.
        unsafe {
            let mut max = Pack::all(-F::INFINITY);
            for j in 0..n {
                max = max.max(read::<F, S>(x.add(j * step), width));
            }
            let mut shift = max;
            if work == Work::LogSumExp {
                for lane in &mut shift.0 {
                    *lane = finite(*lane);
                }
            }
            let (zero, one) = (Pack::splat(0.0), Pack::splat(1.0));
            let (mut total, mut ones) = (zero, zero);
            for j in 0..n {
                let e = (read::<F, S>(x.add(j * step), width) - shift).exp();
                if work == Work::Softmax {
                    put::<F, S>(y.add(j * step), width, e);
                    total = total + e;
                } else {
                    let is_one = e.eq(one);
                    total = total + is_one.select(zero, e);
                    ones = ones + is_one.select(one, zero);
                }
            }
            let log = (total + (ones - one)).log1p();
            match work {
                Work::LogSumExp => {
                    put::<F, S>(y, width, log);
                    put::<F, S>(to, width, shift);
                }
                Work::Softmax => {
                    for j in 0..n {
                        let e = read::<F, S>(y.add(j * step), width);
                        put::<F, S>(y.add(j * step), width, e / total);
                    }
                }
                Work::LogSoftmax => {
                    for j in 0..n {
                        let z = read::<F, S>(x.add(j * step), width) - shift;
                        put::<F, S>(y.add(j * step), width, z - log);
                    }
                }
            }
        }
    }
}

/// Softmax, log-softmax or logsumexp along n. For logsumexp, `y` is the logarithm of the sum and `max` the maximum.
///
/// A logarithm is `log1p` of the sum without the largest element's own 1, so that small terms are not lost to rounding.
///
/// # Safety
/// The kernels' contract; `y` may be `x`.
pub(crate) unsafe fn exponentials<F: Float>(
    cpu: &Cpu<F>,
    work: Work,
    axis: Axis,
    x: *mut F,
    y: *mut F,
    max: *mut F,
) {
    let Axis { outer, n, inner } = axis;
    let (x, y, max) = (Shared(x), Shared(y), Shared(max));
    let cuts = inner.div_ceil(LANES);
    // With its exponential, an element costs as much as several of a plain map.
    cpu.share(outer * cuts, outer * n * inner * 4, |from, to| {
        for unit in from..to {
            let (o, i) = (unit / cuts, unit % cuts * LANES);
            let rows = if work == Work::LogSumExp { 1 } else { n };
            let step = inner;
            // SAFETY: a line of the block.
            unsafe {
                let (x, y) = (
                    x.get().add(o * n * inner + i),
                    y.get().add(o * rows * inner + i),
                );
                let max = match work {
                    Work::LogSumExp => max.get().add(o * inner + i),
                    _ => max.get(),
                };
                dispatch(Line {
                    work,
                    n,
                    step,
                    width: LANES.min(inner - i),
                    x,
                    y,
                    max,
                });
            }
        }
    });
}

/// The index of the first largest or smallest; the first NaN wins.
///
/// # Safety
/// The kernels' contract.
pub(crate) unsafe fn arg_reduce<F: Float>(
    cpu: &Cpu<F>,
    largest: bool,
    axis: Axis,
    x: *mut F,
    y: *mut i64,
) {
    let Axis { outer, n, inner } = axis;
    let (x, y) = (Shared(x), Shared(y));
    cpu.share(outer * inner, outer * n * inner, |from, to| {
        for unit in from..to {
            let (o, i) = (unit / inner, unit % inner);
            // SAFETY: positions are inside the block.
            unsafe {
                let line = x.get().add(o * n * inner + i);
                let mut best = 0;
                if n > 0 {
                    let mut value = *line;
                    for j in 1..n {
                        let v = *line.add(j * inner);
                        #[allow(clippy::eq_op)]
                        let wins = (if largest { v > value } else { v < value }) || v != v;
                        #[allow(clippy::eq_op)]
                        if wins && value == value {
                            (best, value) = (j, v);
                        }
                    }
                }
                *y.get().add(unit) = best as i64;
            }
        }
    });
}

/// Running results along n.
///
/// # Safety
/// The kernels' contract; `y` may be `x`.
pub(crate) unsafe fn running<F: Float>(
    cpu: &Cpu<F>,
    how: Combiner,
    reverse: bool,
    axis: Axis,
    [x, y]: [*mut F; 2],
) {
    let Axis { outer, n, inner } = axis;
    let (x, y) = (Shared(x), Shared(y));
    cpu.share(outer * inner, outer * n * inner, |from, to| {
        for unit in from..to {
            let first = unit / inner * n * inner + unit % inner;
            let mut result = how.neutral();
            for j in 0..n {
                let at = first + inner * if reverse { n - 1 - j } else { j };
                // SAFETY: inside the block. The result is kept in f64, so that rounding errors do not accumulate.
                unsafe {
                    result = how.combine(result, (*x.get().add(at)).to_f64());
                    *y.get().add(at) = F::from_f64(result);
                }
            }
        }
    });
}
