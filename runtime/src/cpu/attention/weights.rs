//! From a block's scores to its weights, forward and backward, a row at a time.

use super::super::rows::{finite, put, read};
use super::Rows;
use super::drop::Factors;
use super::place::Place;
use crate::isa::{Isa, Kernel};
use crate::lanes::LANES;
use crate::{Float, Mask, Pack};

/// Forward: scores `z` become `exp(score - max)`, with the largest score so far, or 0 if dropped. The sums over earlier
/// keys in `out` are scaled to the same maximum.
pub(super) struct Weigh<'a, F> {
    pub(super) place: Place<'a>,
    pub(super) z: Rows<F>,
    /// Each query's largest score so far.
    pub(super) max: &'a mut [F],
    /// Each query's sum so far.
    pub(super) sum: &'a mut [f64],
    pub(super) out: Rows<F>,
}

impl<F: Float> Kernel for Weigh<'_, F> {
    type Output = ();
    #[cfg_attr(not(debug_assertions), inline(always))]
    unsafe fn run<S: Isa>(self) {
        let Self { place, z, out, .. } = self;
        let masked = !place.masks.is_empty();
        for r in 0..place.queries.1 {
            let (z, n) = (z.row(r), place.seen(r));
            let low = Pack::all(-F::INFINITY);
            let mut top = low;
            // SAFETY: the block's scores and the head's rows.
            unsafe {
                for at in (0..n).step_by(LANES) {
                    let count = LANES.min(n - at);
                    let x = place.scores::<F, S>(r, z, at, count);
                    if masked {
                        put::<F, S>(z.add(at), count, x);
                    }
                    top = top.max(match count {
                        LANES => x,
                        _ => Mask::first(count).select(x, low),
                    });
                }
                let old = self.max[r];
                let max = old.max(top.fold(F::max));
                // A query that has seen no key yet keeps weights of 0, not of NaN.
                let shift = Pack::all(finite(max));
                let scale = match masked {
                    true => Pack::splat(1.0),
                    false => Pack::splat(place.g.scale),
                };
                let mut sum = Pack::splat(0.0);
                let factors = Factors::of(&place, r);
                for at in (0..n).step_by(LANES) {
                    let count = LANES.min(n - at);
                    let e = (read::<F, S>(z.add(at), count) * scale - shift).exp();
                    // A dropped weight is still part of the sum.
                    let weight = factors.as_ref().map_or(e, |f| f.apply(at, e));
                    put::<F, S>(z.add(at), count, weight);
                    sum = sum
                        + match count {
                            LANES => e,
                            _ => Mask::first(count).select(e, Pack::splat(0.0)),
                        };
                }
                z.add(n).write_bytes(0, place.keys.1 - n);
                let sum = sum.fold(|a, b| a + b).to_f64();
                self.max[r] = max;
                if place.keys.0 == 0 || max == old {
                    self.sum[r] += sum;
                    continue;
                }
                let factor = (old - finite(max)).exp();
                self.sum[r] = self.sum[r] * factor.to_f64() + sum;
                multiply::<F, S>(out.row(r), place.g.value_width, factor);
            }
        }
    }
}

/// The end of forward: rows divided by their sums, and the logarithms of the sums. These are sums of `exp(score -
/// max)`, separate from `max`: one number for both would be inaccurate for a large maximum.
pub(super) struct Finish<'a, F> {
    pub(super) width: usize,
    pub(super) max: &'a [F],
    pub(super) sum: &'a [f64],
    pub(super) out: Rows<F>,
    pub(super) log: *mut F,
    pub(super) top: *mut F,
}

impl<F: Float> Kernel for Finish<'_, F> {
    type Output = ();
    #[cfg_attr(not(debug_assertions), inline(always))]
    unsafe fn run<S: Isa>(self) {
        for (r, (max, sum)) in self.max.iter().zip(self.sum).enumerate() {
            // A sum of 0, where every key is masked out: the result is 0.
            let factor = if *sum == 0.0 { 0.0 } else { 1.0 / sum };
            // SAFETY: the head's rows.
            unsafe {
                multiply::<F, S>(self.out.row(r), self.width, F::from_f64(factor));
                *self.log.add(r) = F::from_f64(sum.ln());
                *self.top.add(r) = finite(*max);
            }
        }
    }
}

/// # Safety
/// The row may be written, and the processor has `S`'s instructions.
#[cfg_attr(not(debug_assertions), inline(always))]
unsafe fn multiply<F: Float, S: Isa>(row: *mut F, width: usize, by: F) {
    for at in (0..width).step_by(LANES) {
        let count = LANES.min(width - at);
        // SAFETY: the caller's.
        unsafe {
            let x = read::<F, S>(row.add(at), count);
            put::<F, S>(row.add(at), count, x * Pack::all(by));
        }
    }
}

/// Backward: scores `z` become weights, and their gradients `dz` become the gradients of the products of queries and
/// keys: `w (dw - sum over keys of dw w) scale`, where the sum is `dout out`. A dropped weight has `dw = 0`, and is 0
/// in `z`.
pub(super) struct Slope<'a, F> {
    pub(super) place: Place<'a>,
    pub(super) z: Rows<F>,
    pub(super) dz: Rows<F>,
    /// The rows of the block's queries in each array.
    pub(super) out: Rows<F>,
    pub(super) dout: Rows<F>,
    pub(super) log: *const F,
    pub(super) top: *const F,
}

impl<F: Float> Kernel for Slope<'_, F> {
    type Output = ();
    #[cfg_attr(not(debug_assertions), inline(always))]
    unsafe fn run<S: Isa>(self) {
        let Self { place, z, dz, .. } = self;
        let scale = Pack::splat(place.g.scale);
        for r in 0..place.queries.1 {
            let (z, dz, n) = (z.row(r), dz.row(r), place.seen(r));
            // SAFETY: the block's scores and the head's rows.
            unsafe {
                let mean = Pack::all(self.mean::<S>(r));
                // -inf if every key is masked out: weights of 0, as in forward.
                let log = Pack::all(match *self.log.add(r) {
                    log if log == -F::INFINITY => F::ZERO,
                    log => log,
                });
                let top = Pack::all(*self.top.add(r));
                let factors = Factors::of(&place, r);
                let drop = |at, x| factors.as_ref().map_or(x, |f| f.apply(at, x));
                for at in (0..n).step_by(LANES) {
                    let count = LANES.min(n - at);
                    let w = (place.scores::<F, S>(r, z, at, count) - top - log).exp();
                    let dw = drop(at, read::<F, S>(dz.add(at), count));
                    put::<F, S>(z.add(at), count, drop(at, w));
                    put::<F, S>(dz.add(at), count, w * (dw - mean) * scale);
                }
                z.add(n).write_bytes(0, place.keys.1 - n);
                dz.add(n).write_bytes(0, place.keys.1 - n);
            }
        }
    }
}

impl<F: Float> Slope<'_, F> {
    /// `dout out` of a row.
    ///
    /// # Safety
    /// As for the kernel.
    #[cfg_attr(not(debug_assertions), inline(always))]
    unsafe fn mean<S: Isa>(&self, r: usize) -> F {
        let (width, mut sum) = (self.place.g.value_width, Pack::splat(0.0));
        for at in (0..width).step_by(LANES) {
            let count = LANES.min(width - at);
            // SAFETY: the caller's.
            unsafe {
                let y = read::<F, S>(self.out.row(r).add(at), count);
                let dy = read::<F, S>(self.dout.row(r).add(at), count);
                sum = sum
                    + match count {
                        LANES => y * dy,
                        _ => Mask::first(count).select(y * dy, Pack::splat(0.0)),
                    };
            }
        }
        sum.fold(|a, b| a + b)
    }
}
