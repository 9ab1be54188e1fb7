//! Products without a library: tiny ones, and products of one row, which are bound by memory.
//!
//! C: (m, n), a row at a time in tiles of [`TILE`] packs, summed over k in order. If B is stored as (n, k) and k is
//! large, an element is a dot product of two rows instead.

use std::marker::PhantomData;

use super::lanes::{Src, evaluate, write};
use super::rows::read;
use crate::device::{Addr, Product};
use crate::isa::{Isa, Kernel};
use crate::lanes::LANES;
use crate::{Float, MapBody, Pack};

/// Packs whose sums are kept in registers together.
const TILE: usize = 4;
/// From this k on, rows of a transposed B are read as dot products.
const DOT: usize = 32;

/// Elements `from..to` of row `i` of one product.
pub(crate) struct Row<'a, M, F, const I: usize, const O: usize> {
    pub(crate) size: Product,
    pub(crate) i: usize,
    pub(crate) from: usize,
    pub(crate) to: usize,
    pub(crate) a: *const F,
    pub(crate) b: *const F,
    pub(crate) extra: [Src; I],
    /// The row's first element.
    pub(crate) outputs: [Addr; O],
    pub(crate) scalars: &'a [f64],
    pub(crate) body: PhantomData<M>,
}

impl<M: MapBody, F: Float, const I: usize, const O: usize> Kernel for Row<'_, M, F, I, O> {
    type Output = ();
    #[cfg_attr(not(debug_assertions), inline(always))]
    unsafe fn run<S: Isa>(self) {
        let mut j = self.from;
        // SAFETY: the kernels' contract; j + count <= n.
        unsafe {
            if self.size.tb && self.size.k >= DOT && !self.size.ta {
                while j < self.to {
                    let count = LANES.min(self.to - j);
                    let mut sums = Pack::splat(0.0);
                    for lane in 0..count {
                        sums.0[lane] = dot::<F, S>(
                            self.size.k,
                            self.a.add(self.i * self.size.k),
                            self.b.add((j + lane) * self.size.k),
                        );
                    }
                    self.finish::<S>(sums, j, count);
                    j += count;
                }
                return;
            }
            while !self.size.tb && j + TILE * LANES <= self.to {
                // Four separate variables, because an array would be kept in memory.
                let zero = Pack::splat(0.0);
                let (mut s0, mut s1, mut s2, mut s3) = (zero, zero, zero, zero);
                for k in 0..self.size.k {
                    let a = self.factor(k);
                    let row = self.b.add(k * self.size.n + j);
                    s0 = s0 + a * read::<F, S>(row, LANES);
                    s1 = s1 + a * read::<F, S>(row.add(LANES), LANES);
                    s2 = s2 + a * read::<F, S>(row.add(2 * LANES), LANES);
                    s3 = s3 + a * read::<F, S>(row.add(3 * LANES), LANES);
                }
                for (t, sum) in [s0, s1, s2, s3].into_iter().enumerate() {
                    self.finish::<S>(sum, j + t * LANES, LANES);
                }
                j += TILE * LANES;
            }
            while j < self.to {
                let count = LANES.min(self.to - j);
                let mut sum = Pack::splat(0.0);
                for k in 0..self.size.k {
                    sum = sum + self.factor(k) * self.column::<S>(k, j, count);
                }
                self.finish::<S>(sum, j, count);
                j += count;
            }
        }
    }
}

impl<M: MapBody, F: Float, const I: usize, const O: usize> Row<'_, M, F, I, O> {
    /// A's element (i, k) in every lane.
    ///
    /// # Safety
    /// `k` is below the product's.
    #[cfg_attr(not(debug_assertions), inline(always))]
    unsafe fn factor(&self, k: usize) -> Pack<F> {
        let at = if self.size.ta {
            k * self.size.m + self.i
        } else {
            self.i * self.size.k + k
        };
        // SAFETY: inside A.
        Pack::all(unsafe { *self.a.add(at) })
    }

    /// B's elements (k, j..j + count).
    ///
    /// # Safety
    /// They are inside B.
    #[cfg_attr(not(debug_assertions), inline(always))]
    unsafe fn column<S: Isa>(&self, k: usize, j: usize, count: usize) -> Pack<F> {
        // SAFETY: the caller's; lanes beyond `count` repeat the last.
        unsafe {
            if !self.size.tb {
                return read::<F, S>(self.b.add(k * self.size.n + j), count);
            }
            let mut y = Pack::splat(0.0);
            for (lane, y) in y.0.iter_mut().enumerate() {
                *y = *self.b.add((j + lane.min(count - 1)) * self.size.k + k);
            }
            y
        }
    }

    /// The epilogue on one pack.
    ///
    /// # Safety
    /// j + count <= n.
    #[cfg_attr(not(debug_assertions), inline(always))]
    unsafe fn finish<S: Isa>(&self, sum: Pack<F>, j: usize, count: usize) {
        // SAFETY: the kernels' contract.
        unsafe {
            let values =
                evaluate::<M, F, S, I, O, true, true>(&self.extra, sum, j, count, self.scalars);
            write::<M, F, S, O>(&values, &self.outputs, j, count);
        }
    }
}

/// The dot product of two rows.
///
/// # Safety
/// Both hold `n` elements; the processor has `S`'s instructions.
#[cfg_attr(not(debug_assertions), inline(always))]
unsafe fn dot<F: Float, S: Isa>(n: usize, a: *const F, b: *const F) -> F {
    let mut sums = [Pack::<F>::splat(0.0); 4];
    let mut at = 0;
    // SAFETY: positions are below n.
    unsafe {
        while at + 4 * LANES <= n {
            for (t, sum) in sums.iter_mut().enumerate() {
                let at = at + t * LANES;
                *sum = *sum + read::<F, S>(a.add(at), LANES) * read::<F, S>(b.add(at), LANES);
            }
            at += 4 * LANES;
        }
        while at + LANES <= n {
            sums[0] = sums[0] + read::<F, S>(a.add(at), LANES) * read::<F, S>(b.add(at), LANES);
            at += LANES;
        }
        let mut rest = F::ZERO;
        while at < n {
            rest += *a.add(at) * *b.add(at);
            at += 1;
        }
        ((sums[0] + sums[1]) + (sums[2] + sums[3])).fold(|a, b| a + b) + rest
    }
}
