//! Products of small matrices whose sizes are known when compiled: constant trip counts, sums in
//! registers, no library call.
//!
//! `Nk`: C (m, N) = A (m, K) B (K, N), any m: B is laid out once on the stack as K rows of packs.
//! `Mn`: C (MM, N) = A (MM, k) B (k, N), any k: tiles of C are kept while k runs.

use std::marker::PhantomData;
use std::mem::MaybeUninit;

use super::lanes::{Src, evaluate, write};
use super::rows::read;
use crate::device::{Addr, Product};
use crate::isa::{Isa, Kernel};
use crate::lanes::LANES;
use crate::{Float, MapBody, Pack};

/// Most packs in a row of B.
const WIDE: usize = 4;
/// Bytes of B on the stack. A frame of 32 KiB or more must not be: the loop that touches its pages may overwrite a
/// register that is in use (seen with rustc 1.95 on x86-64).
const PANEL: usize = 16_384;

/// The bytes, of any content, aligned as packs are.
#[repr(C, align(64))]
struct Panel(MaybeUninit<[u8; PANEL]>);
/// Rows of C in a tile.
const HIGH: usize = 8;

/// Whether [`Nk`] takes these sizes.
pub(crate) const fn fits_nk<F>(n: usize, k: usize) -> bool {
    n.div_ceil(LANES) <= WIDE && n.div_ceil(LANES) * k <= PANEL / size_of::<Pack<F>>()
}

/// Whether [`Mn`] takes these sizes.
pub(crate) const fn fits_mn(n: usize) -> bool {
    n.div_ceil(LANES) <= WIDE
}

/// One product and its epilogue.
pub(crate) struct Nk<'a, M, F, const N: usize, const K: usize, const I: usize, const O: usize> {
    pub(crate) size: Product,
    pub(crate) a: *const F,
    pub(crate) b: *const F,
    /// The epilogue's operands at row 0, and their distances between rows: (elements, bytes of one).
    pub(crate) extra: [Src; I],
    pub(crate) down: [(usize, usize); I],
    pub(crate) outputs: [Addr; O],
    pub(crate) scalars: &'a [f64],
    pub(crate) body: PhantomData<M>,
}

impl<M: MapBody, F: Float, const N: usize, const K: usize, const I: usize, const O: usize> Kernel
    for Nk<'_, M, F, N, K, I, O>
{
    type Output = ();
    #[cfg_attr(not(debug_assertions), inline(always))]
    unsafe fn run<S: Isa>(mut self) {
        let Product { m, ta, tb, .. } = self.size;
        let width = N.div_ceil(LANES);
        let mut panel = Panel(MaybeUninit::uninit());
        let panel = panel.0.as_mut_ptr().cast::<Pack<F>>();
        // SAFETY: B is (K, N) or (N, K), A (m, K) or (K, m), C (m, N); the panel has room for K rows of `width` packs,
        // as `fits_nk` says, and they are written before they are read.
        unsafe {
            for k in 0..K {
                for p in 0..width {
                    let count = LANES.min(N - p * LANES);
                    let mut row = Pack::splat(0.0);
                    if tb {
                        for lane in 0..count {
                            row.0[lane] = *self.b.add((p * LANES + lane) * K + k);
                        }
                    } else {
                        row = read::<F, S>(self.b.add(k * N + p * LANES), count);
                    }
                    panel.add(k * width + p).write(row);
                }
            }
            let (down, along) = if ta { (1, m) } else { (K, 1) };
            for i in 0..m {
                let a = self.a.add(i * down);
                for p in 0..width {
                    let count = LANES.min(N - p * LANES);
                    let mut sum = Pack::splat(0.0);
                    for k in 0..K {
                        sum = sum + Pack::all(*a.add(k * along)) * *panel.add(k * width + p);
                    }
                    let values = evaluate::<M, F, S, I, O, true, true>(
                        &self.extra,
                        sum,
                        p * LANES,
                        count,
                        self.scalars,
                    );
                    write::<M, F, S, O>(&values, &self.outputs, i * N + p * LANES, count);
                }
                for (src, (elements, size)) in self.extra.iter_mut().zip(self.down) {
                    src.advance(elements, size);
                }
            }
        }
    }
}

/// One product and its epilogue.
pub(crate) struct Mn<'a, M, F, const MM: usize, const N: usize, const I: usize, const O: usize> {
    pub(crate) size: Product,
    pub(crate) a: *const F,
    pub(crate) b: *const F,
    /// As in [`Nk`].
    pub(crate) extra: [Src; I],
    pub(crate) down: [(usize, usize); I],
    pub(crate) outputs: [Addr; O],
    pub(crate) scalars: &'a [f64],
    pub(crate) body: PhantomData<M>,
}

impl<M: MapBody, F: Float, const MM: usize, const N: usize, const I: usize, const O: usize> Kernel
    for Mn<'_, M, F, MM, N, I, O>
{
    type Output = ();
    #[cfg_attr(not(debug_assertions), inline(always))]
    unsafe fn run<S: Isa>(mut self) {
        // SAFETY: the caller's; tiles lie inside C.
        unsafe {
            let mut i = 0;
            while i + HIGH <= MM {
                self.tile::<S, HIGH>(i);
                i += HIGH;
            }
            match MM % HIGH {
                1 => self.tile::<S, 1>(i),
                2 => self.tile::<S, 2>(i),
                3 => self.tile::<S, 3>(i),
                4 => self.tile::<S, 4>(i),
                5 => self.tile::<S, 5>(i),
                6 => self.tile::<S, 6>(i),
                7 => self.tile::<S, 7>(i),
                _ => {}
            }
        }
    }
}

impl<M: MapBody, F: Float, const MM: usize, const N: usize, const I: usize, const O: usize>
    Mn<'_, M, F, MM, N, I, O>
{
    /// Rows i..i + H; leaves `extra` at the next row.
    ///
    /// # Safety
    /// The kernels' contract, and `S`'s instructions.
    #[cfg_attr(not(debug_assertions), inline(always))]
    unsafe fn tile<S: Isa, const H: usize>(&mut self, i: usize) {
        let Product {
            k: depth, ta, tb, ..
        } = self.size;
        let (down, along) = if ta { (1, MM) } else { (depth, 1) };
        let first = self.extra;
        // SAFETY: A is (MM, k) or (k, MM), B (k, N) or (N, k).
        unsafe {
            for p in 0..N.div_ceil(LANES) {
                let count = LANES.min(N - p * LANES);
                let mut sums = [Pack::<F>::splat(0.0); H];
                for k in 0..depth {
                    let row = if tb {
                        let mut row = Pack::splat(0.0);
                        for lane in 0..count {
                            row.0[lane] = *self.b.add((p * LANES + lane) * depth + k);
                        }
                        row
                    } else {
                        read::<F, S>(self.b.add(k * N + p * LANES), count)
                    };
                    let a = self.a.add(i * down + k * along);
                    for (r, sum) in sums.iter_mut().enumerate() {
                        *sum = *sum + Pack::all(*a.add(r * down)) * row;
                    }
                }
                self.extra = first;
                for (r, sum) in sums.into_iter().enumerate() {
                    let values = evaluate::<M, F, S, I, O, true, true>(
                        &self.extra,
                        sum,
                        p * LANES,
                        count,
                        self.scalars,
                    );
                    write::<M, F, S, O>(&values, &self.outputs, (i + r) * N + p * LANES, count);
                    for (src, (elements, size)) in self.extra.iter_mut().zip(self.down) {
                        src.advance(elements, size);
                    }
                }
            }
        }
    }
}
