//! Reasons why samples cannot be used.

/// The reason why samples, targets or positions cannot be used.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum DataProblem {
    /// The numbers of samples and targets differ.
    #[error("{samples} samples but {targets} targets")]
    Targets {
        /// The number of samples.
        samples: usize,
        /// The number of targets.
        targets: usize,
    },
    /// There are no samples.
    #[error("there are no samples")]
    NoSamples,
    /// The batch size is 0.
    #[error("a batch must have at least 1 sample, but has 0")]
    EmptyBatch,
    /// A tensor has no dimension for samples, or a size of 0.
    #[error("a tensor of shape {shape:?} holds no samples")]
    EmptyTensor {
        /// Its shape.
        shape: Vec<usize>,
    },
    /// The number of bytes of the samples overflows.
    #[error("more samples than memory has room for")]
    TooLarge,
    /// A position is not below the number of samples.
    #[error("`positions` holds {value} at [{at}], which is outside 0..{samples}")]
    Position {
        /// The position.
        value: usize,
        /// Its index among the positions.
        at: usize,
        /// The number of samples.
        samples: usize,
    },
}
