//! Reasons why no symbol can be chosen.

/// The reason why the next symbol of a sequence cannot be chosen.
#[derive(Clone, Debug, PartialEq, thiserror::Error)]
#[non_exhaustive]
pub enum ChoiceProblem {
    /// The temperature is NaN, or below 0.
    #[error("`temperature` must be at least 0, but it is {temperature}")]
    Temperature {
        /// The temperature.
        temperature: f64,
    },
    /// `top_k` leaves no symbol.
    #[error("`top_k` must be at least 1, but it is 0")]
    TopK,
    /// `top_p` is not a probability, or leaves no symbol.
    #[error("`top_p` must be above 0 and at most 1, but it is {top_p}")]
    TopP {
        /// The probability.
        top_p: f64,
    },
    /// All scores are NaN or -inf.
    #[error("each of the {scores} scores is NaN or -inf")]
    NoScore {
        /// The number of scores.
        scores: usize,
    },
    /// All scores of all hypotheses are NaN or -inf.
    #[error("each score of each hypothesis is NaN or -inf")]
    NoScores,
    /// The number of rows of scores is not the number of hypotheses.
    #[error("`scores` must be {rows} rows, one for each hypothesis, but has {len} elements")]
    Rows {
        /// The number of hypotheses.
        rows: usize,
        /// The number of scores.
        len: usize,
    },
}
