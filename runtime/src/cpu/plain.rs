//! A product by a plain loop over blocks: sizes and matrices of any strides in, `C = A B` or `C += A B` out.
//!
//! A block of B is laid out on the stack as rows of packs, then rows of A go over it, a few at a time, with their sums
//! in registers. It needs no library, no memory but the stack and no standard library. The sums of a block are added
//! to C block after block, so results depend on the sizes alone.

use std::mem::MaybeUninit;

use super::rows::{put, read};
use crate::isa::{Isa, Kernel};
use crate::lanes::LANES;
use crate::{Float, Pack};

/// Packs of a row of a block.
const WIDE: usize = 4;
/// Rows of a block: it has 8 KiB of f32, 16 KiB of f64. With a frame of more than 32 KiB, rustc 1.95 was seen to emit
/// wrong code: the loop that touches the frame's pages overwrote a register that was in use.
const DEEP: usize = 32;

/// One product of an (m, k) by a (k, n) matrix.
pub(super) struct Plain<F> {
    pub(super) m: usize,
    pub(super) n: usize,
    pub(super) k: usize,
    /// The first element, the distance between rows, that between columns.
    pub(super) a: (*const F, isize, isize),
    /// As `a`.
    pub(super) b: (*const F, isize, isize),
    /// The first element and the distance between rows; columns are neighbours.
    pub(super) c: (*mut F, isize),
    /// To what C holds.
    pub(super) add: bool,
}

/// A block of B: `depth` rows from `row`, `width` columns from `column`.
#[derive(Clone, Copy)]
struct Block {
    row: usize,
    depth: usize,
    column: usize,
    width: usize,
}

type Panel<F> = [MaybeUninit<Pack<F>>; WIDE * DEEP];

impl<F: Float> Kernel for Plain<F> {
    type Output = ();
    /// All elements lie inside their buffers; C overlaps neither A nor B.
    #[cfg_attr(not(debug_assertions), inline(always))]
    unsafe fn run<S: Isa>(self) {
        let mut panel: Panel<F> = [const { MaybeUninit::uninit() }; WIDE * DEEP];
        for column in (0..self.n).step_by(WIDE * LANES) {
            let width = (WIDE * LANES).min(self.n - column);
            // A product with `k == 0` has one block of no rows: its sums are zeros.
            let mut row = 0;
            loop {
                let depth = DEEP.min(self.k - row);
                let block = Block {
                    row,
                    depth,
                    column,
                    width,
                };
                // SAFETY: the caller's; the block lies inside B, the rows inside A and C.
                unsafe {
                    self.lay_out::<S>(block, &mut panel);
                    // As many sums as registers hold.
                    match size_of::<F>() {
                        4 => self.rows::<S, 4>(block, &panel),
                        _ => self.rows::<S, 2>(block, &panel),
                    }
                }
                row += depth;
                if row == self.k {
                    break;
                }
            }
        }
    }
}

impl<F: Float> Plain<F> {
    /// Copies a block of B: each row is `width` elements in packs; lanes beyond hold some number.
    ///
    /// # Safety
    /// The block lies inside B, and the processor has `S`'s instructions.
    #[cfg_attr(not(debug_assertions), inline(always))]
    unsafe fn lay_out<S: Isa>(&self, block: Block, panel: &mut Panel<F>) {
        let (b, down, along) = self.b;
        let packs = block.width.div_ceil(LANES);
        for l in 0..block.depth {
            for p in 0..packs {
                let count = LANES.min(block.width - p * LANES);
                let first = (block.column + p * LANES) as isize * along;
                let from = b.wrapping_offset((block.row + l) as isize * down + first);
                // SAFETY: `count` elements of a row of B.
                let pack = unsafe {
                    if along == 1 {
                        read::<F, S>(from, count)
                    } else {
                        let mut pack = Pack::splat(0.0);
                        for lane in 0..count {
                            pack.0[lane] = *from.offset(lane as isize * along);
                        }
                        pack
                    }
                };
                panel[l * packs + p].write(pack);
            }
        }
    }

    /// All rows of A over a block that has been laid out, `H` at a time.
    ///
    /// # Safety
    /// As for [`tile`](Self::tile).
    #[cfg_attr(not(debug_assertions), inline(always))]
    unsafe fn rows<S: Isa, const H: usize>(&self, block: Block, panel: &Panel<F>) {
        let full = self.m / H * H;
        // SAFETY: the caller's.
        unsafe {
            for i in (0..full).step_by(H) {
                self.tile::<S, H>(i, block, panel);
            }
            for i in full..self.m {
                self.tile::<S, 1>(i, block, panel);
            }
        }
    }

    /// Rows `i..i + H` of C over a block.
    ///
    /// # Safety
    /// The rows lie inside A and C, the block has been laid out, and the processor has `S`'s instructions.
    #[cfg_attr(not(debug_assertions), inline(always))]
    unsafe fn tile<S: Isa, const H: usize>(&self, i: usize, block: Block, panel: &Panel<F>) {
        let (a, down, along) = self.a;
        let packs = block.width.div_ceil(LANES);
        let a = a.wrapping_offset(i as isize * down + block.row as isize * along);
        let add = self.add || block.row > 0;
        for p in 0..packs {
            let count = LANES.min(block.width - p * LANES);
            let mut sums = [Pack::<F>::splat(0.0); H];
            // SAFETY: positions inside A, the panel and C.
            unsafe {
                for l in 0..block.depth {
                    let row = panel[l * packs + p].assume_init();
                    let a = a.wrapping_offset(l as isize * along);
                    for (r, sum) in sums.iter_mut().enumerate() {
                        *sum = *sum + Pack::all(*a.offset(r as isize * down)) * row;
                    }
                }
                for (r, mut sum) in sums.into_iter().enumerate() {
                    let row = self.c.0.offset((i + r) as isize * self.c.1);
                    let to = row.add(block.column + p * LANES);
                    if add {
                        sum = read::<F, S>(to, count) + sum;
                    }
                    put::<F, S>(to, count, sum);
                }
            }
        }
    }
}
