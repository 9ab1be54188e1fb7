//! Why samples cannot be used.

/// Why samples, targets or positions cannot be used.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum DataProblem {
    /// There is not one target for each sample.
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
    /// A batch was to have no samples.
    #[error("a batch must have at least 1 sample, but has 0")]
    EmptyBatch,
    /// A tensor has no dimension that counts samples, or a size of 0.
    #[error("a tensor of shape {shape:?} holds no samples")]
    EmptyTensor {
        /// Its shape.
        shape: Vec<usize>,
    },
    /// The samples have more bytes than addresses count.
    #[error("more samples than memory has room for")]
    TooLarge,
    /// A position is that of no sample.
    #[error("`positions` holds {value} at [{at}], which is outside 0..{samples}")]
    Position {
        /// The position.
        value: usize,
        /// Its place among the positions.
        at: usize,
        /// The number of samples.
        samples: usize,
    },
}
