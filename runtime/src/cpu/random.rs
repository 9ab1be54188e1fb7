//! Random booleans: element e is drawn from word e mod 4 of Philox block e / 4, whoever computes it.

use super::Cpu;
use super::rows::Shared;
use crate::Float;
use crate::device::{Addr, RandomKernels, Stream};
use crate::philox::block;

impl<F: Float> RandomKernels for Cpu<F> {
    unsafe fn bernoulli(&self, keep: f64, stream: Stream, len: usize, y: Addr) {
        // A word is below the bound with probability `keep`: never for 0, always for 1.
        let bound = (keep * 4_294_967_296.0) as u64;
        let y = Shared(y);
        self.share(len.div_ceil(4), len * 4, |from, to| {
            for e in from..to {
                let counter = [
                    e as u32,
                    stream.node as u32,
                    stream.step as u32,
                    // Runs do not reach 2^32, so a loop's steps have this word to themselves.
                    (stream.step >> 32) as u32 ^ (stream.node >> 32) as u32,
                ];
                let words = block(counter, stream.seed);
                let count = 4.min(len - 4 * e);
                for (i, &word) in words[..count].iter().enumerate() {
                    // SAFETY: element 4 e + i is below len.
                    unsafe { *y.get().add(4 * e + i) = u8::from(u64::from(word) < bound) };
                }
            }
        });
    }
}
