//! Beam search: an approximate search for the likeliest sequence, with a few hypotheses at a time.
//!
//! A model scores the next symbol of `width` hypotheses at once. Their number never changes, so its plan does not
//! change either. For several sources at once there is [`Beams`](super::Beams).
//!
//! ```
//! use netform_runtime::generate::Beam;
//!
//! // A model of two symbols and an end (2): after 0 comes 1, after 1 the end.
//! let model = |last: &[u32]| -> Vec<f32> {
//!     last.iter().flat_map(|s| if *s == 0 { [0.0, 3.0, 1.0] } else { [0.0, 0.0, 3.0] }).collect()
//! };
//! let mut beam = Beam::new(4, 10).start(&[0]).end(2);
//! loop {
//!     let scores = model(beam.last()); // of a model with a state: `beam.parents()` too
//!     if !beam.advance(&scores)? { break }
//! }
//! assert_eq!(beam.best().symbols, [0, 1, 2]);
//! # Ok::<(), netform_runtime::Error>(())
//! ```

use crate::{ChoiceProblem, Error, Float, Result};

/// A sequence and its probability.
#[derive(Clone, Debug, PartialEq)]
pub struct Hypothesis {
    /// The symbols, with those of the start.
    pub symbols: Vec<u32>,
    /// The logarithm of its probability, given the start.
    pub log_prob: f64,
    /// It has reached the end symbol.
    pub ended: bool,
}

/// The maximum number of symbols that are allocated for a hypothesis at the start; it may grow further.
const MOST_ROOM: usize = 4096;

/// A search in progress. After the first step, a step allocates only for sequences that end in it.
#[derive(Clone, Debug)]
pub struct Beam {
    width: usize,
    max_len: usize,
    start: usize,
    end: Option<u32>,
    alpha: f64,
    live: Vec<Hypothesis>,
    done: Vec<Hypothesis>,
    last: Vec<u32>,
    parents: Vec<u32>,
    /// Memory for the live hypotheses of the next step; the number is the same.
    spare: Vec<Hypothesis>,
    /// Memory for candidates: the logarithm of the probability, the hypothesis, the symbol.
    candidates: Vec<(f64, usize, u32)>,
}

impl Beam {
    /// A search with `width` hypotheses at a time (1 is greedy), over sequences that grow by at most `max_len` symbols.
    /// It begins with symbol 0 alone, unless [`start`](Self::start) sets other symbols.
    pub fn new(width: usize, max_len: usize) -> Self {
        let beam = Self {
            width: width.max(1),
            max_len,
            start: 0,
            end: None,
            alpha: 0.0,
            live: Vec::new(),
            done: Vec::new(),
            last: Vec::new(),
            parents: Vec::new(),
            spare: Vec::new(),
            candidates: Vec::new(),
        };
        beam.start(&[0])
    }

    /// The first symbols of every hypothesis.
    #[must_use]
    pub fn start(mut self, symbols: &[u32]) -> Self {
        self.start = symbols.len();
        // Equal hypotheses would stay equal, so all but the first begin with probability 0.
        let room = self.max_len.min(MOST_ROOM) + symbols.len();
        let one = |k: usize| {
            let mut own = Vec::with_capacity(room);
            own.extend(symbols);
            Hypothesis {
                symbols: own,
                log_prob: if k == 0 { 0.0 } else { f64::NEG_INFINITY },
                ended: false,
            }
        };
        self.live = (0..self.width).map(one).collect();
        self.spare = (0..self.width).map(one).collect();
        self.done.clear();
        self.name();
        self.parents = (0..self.width as u32).collect();
        self
    }

    /// The symbol that ends a sequence.
    #[must_use]
    pub fn end(mut self, symbol: u32) -> Self {
        self.end = Some(symbol);
        self
    }

    /// Sequences are compared by `log_prob / ((5 + n) / 6)^alpha`, where n is the number of symbols after the start, so
    /// that longer ones are not at a disadvantage (Wu et al., 2016). 0, the default, compares probabilities.
    #[must_use]
    pub fn length_penalty(mut self, alpha: f64) -> Self {
        self.alpha = alpha;
        self
    }

    fn name(&mut self) {
        self.last.clear();
        let last = |h: &Hypothesis| h.symbols.last().copied().unwrap_or(0);
        self.last.extend(self.live.iter().map(last));
    }

    /// The last symbol of each hypothesis, (width).
    pub fn last(&self) -> &[u32] {
        &self.last
    }

    /// For each hypothesis, the number of the earlier hypothesis that it continues, (width). A model's state is
    /// selected by it, `index_select(cache, 0, parents)`, before the symbols are read.
    pub fn parents(&self) -> &[u32] {
        &self.parents
    }

    /// The hypotheses, for a model that reads them whole. All have the same length.
    pub fn sequences(&self) -> impl ExactSizeIterator<Item = &[u32]> {
        self.live.iter().map(|h| h.symbols.as_slice())
    }

    /// The number of symbols after the start.
    pub fn steps(&self) -> usize {
        self.live
            .first()
            .map_or(0, |h| h.symbols.len() - self.start)
    }

    fn score(&self, log_prob: f64, steps: usize) -> f64 {
        log_prob / ((5.0 + steps as f64) / 6.0).powf(self.alpha)
    }

    fn score_of(&self, h: &Hypothesis) -> f64 {
        self.score(h.log_prob, h.symbols.len() - self.start)
    }

    /// Continues by one symbol. `scores`: (width, symbols), logits of the next symbol of each hypothesis. Returns
    /// whether the search goes on.
    ///
    /// # Errors
    /// [`Error::Choice`] if the scores are not `width` rows, or if all scores are NaN or -inf.
    pub fn advance<F: Float>(&mut self, scores: &[F]) -> Result<bool> {
        let function = "Beam::advance";
        let wrong = |problem| Err(Error::Choice { function, problem });
        if scores.is_empty() || !scores.len().is_multiple_of(self.width) {
            return wrong(ChoiceProblem::Rows {
                rows: self.width,
                len: scores.len(),
            });
        }
        if self.is_over() {
            return Ok(false);
        }
        let symbols = scores.len() / self.width;
        let mut next = std::mem::take(&mut self.candidates);
        next.clear();
        for (k, (h, row)) in self.live.iter().zip(scores.chunks(symbols)).enumerate() {
            if h.log_prob == f64::NEG_INFINITY {
                continue;
            }
            let row = || row.iter().map(|s| s.to_f64());
            let top = row()
                .filter(|s| !s.is_nan())
                .fold(f64::NEG_INFINITY, f64::max);
            let sum: f64 = row().filter(|s| !s.is_nan()).map(|s| (s - top).exp()).sum();
            let log = sum.ln();
            // If a score is infinite, as for a forced symbol, all other symbols have probability 0.
            let infinite = row().filter(|s| *s == f64::INFINITY).count() as f64;
            let log_prob = |s: f64| match infinite > 0.0 {
                true if s == top => h.log_prob - infinite.ln(),
                true => f64::NEG_INFINITY,
                // Adding a large score first would round away the rest.
                false => h.log_prob + ((s - top) - log),
            };
            let row = row().map(log_prob).enumerate();
            next.extend(
                row.filter(|(_, p)| *p > f64::NEG_INFINITY)
                    .map(|(s, p)| (p, k, s as u32)),
            );
        }
        if next.is_empty() {
            return wrong(ChoiceProblem::NoScores);
        }
        // Of equal candidates the first hypothesis and symbol come first. Each hypothesis can end once.
        let order = |a: &(f64, usize, u32), b: &(f64, usize, u32)| {
            b.0.total_cmp(&a.0).then((a.1, a.2).cmp(&(b.1, b.2)))
        };
        if next.len() > 2 * self.width {
            next.select_nth_unstable_by(2 * self.width, order);
            next.truncate(2 * self.width);
        }
        next.sort_unstable_by(order);
        self.parents.clear();
        for (rank, (log_prob, k, symbol)) in next.drain(..).enumerate() {
            let ended = Some(symbol) == self.end;
            // An end that is not among the first `width` is ignored: with one hypothesis this is greedy search.
            let out = if ended { rank } else { self.parents.len() };
            if out >= self.width {
                continue;
            }
            if ended {
                let symbols = [&self.live[k].symbols[..], &[symbol]].concat();
                self.done.push(Hypothesis {
                    symbols,
                    log_prob,
                    ended,
                });
            } else {
                self.go_on(k, symbol, log_prob);
            }
        }
        self.candidates = next;
        // The number of rows stays the same. Additional rows have probability 0.
        while self.parents.len() < self.width {
            self.go_on(0, self.end.unwrap_or(0), f64::NEG_INFINITY);
        }
        std::mem::swap(&mut self.live, &mut self.spare);
        self.name();
        Ok(!self.is_over())
    }

    /// Adds the next live hypothesis: number k with one more symbol.
    fn go_on(&mut self, k: usize, symbol: u32, log_prob: f64) {
        let next = &mut self.spare[self.parents.len()];
        next.symbols.clone_from(&self.live[k].symbols);
        next.symbols.push(symbol);
        next.log_prob = log_prob;
        self.parents.push(k as u32);
    }

    /// Whether no hypothesis can become better than one that has ended.
    fn is_over(&self) -> bool {
        // One hypothesis is the result of greedy search: it is not compared with less likely ones.
        if self.steps() >= self.max_len || (self.width == 1 && !self.done.is_empty()) {
            return true;
        }
        let live = self.live.iter().map(|h| h.log_prob);
        let best = live.fold(f64::NEG_INFINITY, f64::max);
        // Probabilities only decrease. The penalty is smallest at one of the two ends.
        let hope = self.score(best, self.steps() + 1);
        let hope = hope.max(self.score(best, self.max_len));
        let done = self.done.iter().map(|h| self.score_of(h));
        best == f64::NEG_INFINITY || done.fold(f64::NEG_INFINITY, f64::max) >= hope
    }

    /// The results, the best first: sequences that have ended, then those that were cut off.
    pub fn ranked(&self) -> Vec<&Hypothesis> {
        let possible = |h: &&Hypothesis| h.log_prob > f64::NEG_INFINITY;
        let mut all: Vec<&Hypothesis> = self
            .done
            .iter()
            .chain(&self.live)
            .filter(possible)
            .collect();
        all.sort_by(|a, b| {
            let order = self.score_of(b).total_cmp(&self.score_of(a));
            b.ended.cmp(&a.ended).then(order)
        });
        all
    }

    /// The best sequence: one that has ended, if there is any.
    pub fn best(&self) -> &Hypothesis {
        // The first live hypothesis always exists.
        self.ranked().first().copied().unwrap_or(&self.live[0])
    }
}
