//! Random booleans: element e is drawn from word e mod 4 of Philox block e / 4, whichever thread computes it.

use super::Cpu;
use super::rows::Shared;
use crate::Float;
use crate::device::{Addr, Stream};
use crate::isa::{Isa, Kernel, dispatch};
use crate::philox::blocks;

/// Philox blocks that are computed side by side.
pub(super) const SIDE: usize = 8;

/// A word is below the bound with probability `keep`: never for 0, always for 1.
pub(super) fn bound(keep: f64) -> u64 {
    (keep * 4_294_967_296.0) as u64
}

/// # Safety
/// The kernels' contract.
pub(super) unsafe fn bernoulli<F: Float>(
    cpu: &Cpu<F>,
    keep: f64,
    stream: Stream,
    len: usize,
    y: Addr,
) {
    let (y, bound) = (Shared(y), bound(keep));
    cpu.share(len.div_ceil(4), len * 4, |from, to| {
        let y = y.get().wrapping_add(4 * from);
        dispatch(Draw {
            stream,
            bound,
            first: from,
            // SAFETY: these elements are below len, and this thread's alone.
            y: unsafe { std::slice::from_raw_parts_mut(y, len.min(4 * to) - 4 * from) },
        });
    });
}

/// Booleans from block `first` on.
struct Draw<'a> {
    stream: Stream,
    bound: u64,
    first: usize,
    y: &'a mut [u8],
}

impl Kernel for Draw<'_> {
    type Output = ();
    #[cfg_attr(not(debug_assertions), inline(always))]
    unsafe fn run<S: Isa>(self) {
        for (k, y) in self.y.chunks_mut(4 * SIDE).enumerate() {
            let counter = self.stream.counter(self.first + k * SIDE);
            let words = blocks::<SIDE>(counter, self.stream.seed);
            for (i, y) in y.iter_mut().enumerate() {
                *y = u8::from(u64::from(words[i % 4][i / 4]) < self.bound);
            }
        }
    }
}
