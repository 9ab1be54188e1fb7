//! Scaled dot-product attention in blocks: scores of some queries with some keys are computed, used and discarded while
//! they are in cache (Dao et al., 2022). No array of the size queries x keys is allocated.
//!
//! Takes rows of q, k and v for each head, and masks. `forward` gives rows of results, and the logarithm of each row's
//! sum and its largest score, from which `backward` computes the same weights again. Work is divided by the sizes alone
//! and sums have a fixed order, so results do not depend on the number of threads.

mod backward;
mod drop;
mod forward;
mod place;
mod product;
mod weights;

pub(crate) use backward::backward;
pub(crate) use forward::forward;

use super::scratch;
use crate::device::{Attention, Operand};
use crate::{Cpu, Float};

/// Queries of a block.
const QUERIES: usize = 64;
/// Keys of a block, a multiple of `LANES`. Its scores take 32 KiB of f32.
const KEYS: usize = 128;
/// Multiplications from which on a second thread pays.
const PARALLEL: usize = 131_072;

/// A head's rows.
struct Rows<F> {
    first: *mut F,
    step: usize,
}

impl<F> Clone for Rows<F> {
    fn clone(&self) -> Self {
        *self
    }
}

impl<F> Copy for Rows<F> {}

impl<F: Float> Rows<F> {
    /// The rows of a head in an array of rows of `width`.
    fn of(array: *mut F, g: &Attention, [length, width]: [usize; 2], unit: usize) -> Self {
        let (first, step) = g.rows(length, width, unit / g.heads, unit % g.heads);
        Self {
            first: array.wrapping_add(first),
            step,
        }
    }

    /// Row i.
    fn row(self, i: usize) -> *mut F {
        self.first.wrapping_add(i * self.step)
    }

    /// Rows from row i on.
    fn from(self, i: usize) -> Self {
        Self {
            first: self.row(i),
            ..self
        }
    }

    /// Sets rows of `width` to zero.
    ///
    /// # Safety
    /// They may be written.
    unsafe fn clear(self, rows: usize, width: usize) {
        for i in 0..rows {
            // SAFETY: the caller's.
            unsafe { self.row(i).write_bytes(0, width) };
        }
    }
}

/// The sizes of a block.
#[derive(Clone, Copy)]
struct Size {
    queries: usize,
    keys: usize,
}

/// Calls `f` with blocks for the scores, one for each of `arrays`, with undefined contents.
fn with_blocks<F: Float, const N: usize>(f: impl FnOnce(Size, [*mut F; N])) {
    let whole = QUERIES * KEYS;
    let mut f = Some(f);
    scratch::with(N * whole * size_of::<F>(), |block| {
        if let Some(f) = f.take() {
            let (queries, keys) = (QUERIES, KEYS);
            let at = |k| block.cast::<F>().wrapping_add(k * whole);
            f(Size { queries, keys }, std::array::from_fn(at));
        }
    });
    // Out of memory: uses small blocks on the stack.
    if let Some(f) = f.take() {
        let (queries, keys) = (8, 16);
        let mut blocks = [[F::ZERO; 8 * 16]; N];
        f(
            Size { queries, keys },
            blocks.each_mut().map(|b| b.as_mut_ptr()),
        );
    }
}

/// Calls `f` for every unit, on several threads if that pays.
fn each<F: Float>(cpu: &Cpu<F>, g: &Attention, units: usize, f: impl Fn(usize) + Sync) {
    if g.work() < PARALLEL {
        (0..units).for_each(f);
    } else {
        cpu.pool().run(units, f);
    }
}

/// Masks that threads share.
struct Masks<'a>(&'a [Operand<4>]);

// SAFETY: addresses that are only read, under the kernels' contract.
unsafe impl Sync for Masks<'_> {}

impl<'a> Masks<'a> {
    /// All masks. (A method, so that closures capture the whole value.)
    fn all(&self) -> &'a [Operand<4>] {
        self.0
    }
}
