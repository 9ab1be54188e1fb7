//! Why no symbol can be chosen.

/// Why the next symbol of a sequence cannot be chosen.
#[derive(Clone, Debug, PartialEq, thiserror::Error)]
#[non_exhaustive]
pub enum ChoiceProblem {
    /// The temperature is no number, or below 0.
    #[error("`temperature` must be at least 0, but it is {temperature}")]
    Temperature {
        /// The temperature.
        temperature: f64,
    },
    /// `top_k` leaves no symbol.
    #[error("`top_k` must be at least 1, but it is 0")]
    TopK,
    /// `top_p` is no probability, or leaves no symbol.
    #[error("`top_p` must be above 0 and at most 1, but it is {top_p}")]
    TopP {
        /// The probability.
        top_p: f64,
    },
    /// No symbol has a number.
    #[error("each of the {scores} scores is NaN or -inf")]
    NoScore {
        /// How many scores there are.
        scores: usize,
    },
    /// No symbol of any hypothesis has a number.
    #[error("each score of each hypothesis is NaN or -inf")]
    NoScores,
    /// The scores are not as many rows as there are hypotheses.
    #[error("`scores` must be {rows} rows, one for each hypothesis, but has {len} elements")]
    Rows {
        /// The number of hypotheses.
        rows: usize,
        /// The number of scores.
        len: usize,
    },
}
