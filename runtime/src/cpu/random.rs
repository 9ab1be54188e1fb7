//! Random booleans: element e is drawn from word e mod 4 of Philox block e / 4, whoever computes it.

use super::Cpu;
use super::rows::Shared;
use crate::Float;
use crate::device::{Addr, RandomKernels, Stream};
use crate::isa::{Isa, Kernel, dispatch};
use crate::philox::blocks;

/// Philox blocks that are computed side by side.
pub(super) const SIDE: usize = 8;

impl Stream {
    /// The counter of block `at`.
    #[inline(always)]
    pub(super) fn counter(self, at: usize) -> [u32; 4] {
        [
            at as u32,
            self.node as u32,
            self.step as u32,
            // Runs do not reach 2^32, so a loop's steps have this word to themselves; what there is beyond
            // 2^32 blocks is at its other end.
            (self.step >> 32) as u32 ^ (self.node >> 32) as u32 ^ ((at as u64 >> 32) as u32) << 24,
        ]
    }
}

/// A word is below the bound with probability `keep`: never for 0, always for 1.
pub(super) fn bound(keep: f64) -> u64 {
    (keep * 4_294_967_296.0) as u64
}

impl<F: Float> RandomKernels for Cpu<F> {
    unsafe fn bernoulli(&self, keep: f64, stream: Stream, len: usize, y: Addr) {
        let (y, bound) = (Shared(y), bound(keep));
        self.share(len.div_ceil(4), len * 4, |from, to| {
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
    #[inline(always)]
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

#[cfg(test)]
mod tests {
    use super::*;

    /// Blocks beyond 2^32 have counters of their own, and those of a loop's steps stay apart.
    #[test]
    fn counters_differ() {
        let stream = Stream {
            seed: 1,
            step: 5,
            node: 3 | 7 << 32,
        };
        let later = Stream {
            node: 3 | 8 << 32,
            ..stream
        };
        let far = 1 << 32;
        let all = [
            stream.counter(0),
            stream.counter(1),
            stream.counter(far),
            stream.counter(2 * far),
            later.counter(0),
            later.counter(far),
        ];
        for (i, a) in all.iter().enumerate() {
            assert!(!all[..i].contains(a), "{i}");
        }
        assert_eq!(stream.counter(0), [0, 3, 5, 7]);
    }
}
