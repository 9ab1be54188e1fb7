//! Scaled dot-product attention, and the random numbers of its dropout.

/// Attention's sizes: queries (batch, heads, queries, width), keys (.., keys, width), values
/// (.., keys, value_width), results (.., queries, value_width).
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Attention {
    /// Samples.
    pub batch: usize,
    /// Heads of a sample.
    pub heads: usize,
    /// Number of queries.
    pub queries: usize,
    /// Number of keys and values.
    pub keys: usize,
    /// Elements of a query and of a key.
    pub width: usize,
    /// Elements of a value and of a result.
    pub value_width: usize,
    /// A row has all heads side by side: (batch, length, heads, width) instead of
    /// (batch, heads, length, width).
    pub interleaved: bool,
    /// Query i sees keys up to i.
    pub causal: bool,
    /// Factor of the scores.
    pub scale: f64,
    /// Dropout of the weights.
    pub dropout: Option<Dropout>,
}

/// Dropout of attention's weights. Weights that are kept are multiplied by `1 / (1 - p)`. The bits are the same as
/// those of [`Call::Bernoulli`](crate::Call::Bernoulli) over (batch, heads, queries, keys rounded up to four), so that
/// forward and backward drop the same weights.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Dropout {
    /// The probability that a weight is dropped.
    pub p: f64,
    /// The random numbers.
    pub stream: Stream,
}

/// The seed and position of a run's random numbers: Philox4x32-10 with key = seed,
/// counter = (element / 4, node, step).
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Stream {
    /// The network's seed.
    pub seed: u64,
    /// The step: every run that draws takes the next number.
    pub step: u64,
    /// The node: each drawing node of a network has its own. In a loop, the loop's step is in the upper half.
    pub node: u64,
}

impl Stream {
    /// Philox's counter of block `at`, of four elements.
    #[inline(always)]
    pub const fn counter(self, at: usize) -> [u32; 4] {
        [
            at as u32,
            self.node as u32,
            self.step as u32,
            // Runs do not reach 2^32, so this word holds the steps of a loop. Blocks beyond 2^32 use its upper bits.
            (self.step >> 32) as u32 ^ (self.node >> 32) as u32 ^ ((at as u64 >> 32) as u32) << 24,
        ]
    }
}

impl Attention {
    /// Independent heads.
    pub const fn units(&self) -> usize {
        self.batch * self.heads
    }

    /// Multiplications.
    pub const fn work(&self) -> usize {
        let scores = self.units() * self.queries * self.keys;
        scores.saturating_mul(self.width.saturating_add(self.value_width))
    }

    /// The number of keys that queries before `end` see.
    pub const fn seen(&self, end: usize) -> usize {
        match self.causal && end < self.keys {
            true => end,
            false => self.keys,
        }
    }

    /// For arrays with `length` rows of `width` in each head: the start of a head's first row, and the distance between
    /// its rows.
    pub const fn rows(
        &self,
        length: usize,
        width: usize,
        batch: usize,
        head: usize,
    ) -> (usize, usize) {
        match self.interleaved {
            true => (
                (batch * length * self.heads + head) * width,
                self.heads * width,
            ),
            false => ((batch * self.heads + head) * length * width, width),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::Stream;

    /// Blocks beyond 2^32 have different counters, and the counters of a loop's steps differ, too.
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
