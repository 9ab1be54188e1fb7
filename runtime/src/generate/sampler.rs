//! Draws the next symbol: takes scores and returns an index.

use crate::{ChoiceProblem, Error, Float, Result, fill_uniform};

/// Chooses the next symbol from its scores.
///
/// In this order: scores are divided by the temperature; the `top_k` largest are kept; of these the fewest whose
/// probabilities sum to `top_p` are kept (nucleus sampling, Holtzman et al., 2020); one is drawn by its probability.
/// The same seed draws the same symbols. Calls after the first do not allocate.
#[derive(Clone, Debug)]
pub struct Sampler {
    temperature: f64,
    top_k: usize,
    top_p: f64,
    seed: u64,
    drawn: u64,
    /// Index and weight of each candidate.
    candidates: Vec<(usize, f64)>,
}

impl Sampler {
    /// Draws from all symbols, by their probabilities `softmax(scores)`.
    pub fn new(seed: u64) -> Self {
        Self {
            temperature: 1.0,
            top_k: usize::MAX,
            top_p: 1.0,
            seed,
            drawn: 0,
            candidates: Vec::new(),
        }
    }

    /// Chooses the symbol with the highest score, the first of equal ones.
    pub fn greedy() -> Self {
        Self::new(0).temperature(0.0)
    }

    /// Below 1, likely symbols become likelier; 0 is greedy.
    #[must_use]
    pub fn temperature(mut self, temperature: f64) -> Self {
        self.temperature = temperature;
        self
    }

    /// Only the `top_k` symbols with the highest scores may be drawn.
    #[must_use]
    pub fn top_k(mut self, top_k: usize) -> Self {
        self.top_k = top_k;
        self
    }

    /// Only the likeliest symbols that together have this probability may be drawn, at least one.
    #[must_use]
    pub fn top_p(mut self, top_p: f64) -> Self {
        self.top_p = top_p;
        self
    }

    /// Checks the settings.
    fn check(&self) -> Result<()> {
        let (t, k, p) = (self.temperature, self.top_k, self.top_p);
        if t.is_nan() || t < 0.0 {
            return Err(wrong(ChoiceProblem::Temperature { temperature: t }));
        }
        if k == 0 {
            return Err(wrong(ChoiceProblem::TopK));
        }
        if p > 0.0 && p <= 1.0 {
            return Ok(());
        }
        Err(wrong(ChoiceProblem::TopP { top_p: p }))
    }

    /// The next symbol. Scores of `-inf` and NaN are never chosen.
    ///
    /// # Errors
    /// [`Error::Choice`] if no symbol can be chosen, or if a setting is invalid: a temperature below 0, a `top_k` of 0,
    /// a `top_p` outside (0, 1].
    pub fn pick<F: Float>(&mut self, scores: &[F]) -> Result<usize> {
        self.check()?;
        let all = || {
            let all = scores.iter().map(|s| s.to_f64()).enumerate();
            all.filter(|(_, s)| *s > f64::NEG_INFINITY)
        };
        // Of equal scores the first is chosen.
        let best = all().reduce(|a, b| if b.1 > a.1 { b } else { a });
        let Some((first, top)) = best else {
            let scores = scores.len();
            return Err(wrong(ChoiceProblem::NoScore { scores }));
        };
        if self.temperature == 0.0 || top == f64::INFINITY {
            return Ok(first);
        }
        self.candidates.clear();
        self.candidates.extend(all());
        let order = |a: &(usize, f64), b: &(usize, f64)| b.1.total_cmp(&a.1).then(a.0.cmp(&b.0));
        if self.top_k < self.candidates.len() {
            self.candidates.select_nth_unstable_by(self.top_k, order);
            self.candidates.truncate(self.top_k);
        }
        self.candidates.sort_unstable_by(order);
        for (_, s) in &mut self.candidates {
            *s = ((*s - top) / self.temperature).exp();
        }
        let total: f64 = self.candidates.iter().map(|c| c.1).sum();
        let mut kept = 0.0;
        let enough = self.top_p * total;
        let more = |c: &(usize, f64)| {
            let more = kept < enough;
            kept += c.1;
            more
        };
        let count = self.candidates.iter().copied().take_while(more).count();
        self.candidates.truncate(count.max(1));
        let total: f64 = self.candidates.iter().map(|c| c.1).sum();
        let mut at = [0.0f64];
        fill_uniform(self.seed, self.drawn, &mut at, 0.0, total);
        self.drawn += 1;
        let mut passed = 0.0;
        let chosen = self.candidates.iter().find(|c| {
            passed += c.1;
            at[0] < passed
        });
        // Rounding may make the last sum a little smaller than the total.
        let chosen = chosen.or(self.candidates.last());
        Ok(chosen.map_or(first, |c| c.0))
    }
}

fn wrong(problem: ChoiceProblem) -> Error {
    Error::Choice {
        function: "Sampler::pick",
        problem,
    }
}
