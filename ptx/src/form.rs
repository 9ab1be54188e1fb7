//! The kernels: every template of `kernels/` and its variants.

use crate::lines::Lines;
use crate::tile::{TensorTile, Tile};
use crate::{Combiner, Stored};

/// The output of a softmax kernel.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Exponential {
    /// Softmax.
    Softmax,
    /// Log-softmax.
    LogSoftmax,
    /// Logsumexp.
    LogSumExp,
}

/// The output of an attention kernel.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Attending {
    /// Results.
    Results,
    /// The gradient of queries.
    Queries,
    /// The gradients of keys and values.
    Keys,
}

/// A kernel and its variant.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Form {
    /// A map over `rank` dimensions.
    Map {
        /// Dimensions after merging.
        rank: u8,
        /// Four elements for each thread; bit k is set if operand k is contiguous along the innermost dimension.
        vector: Option<u64>,
        /// Operand 0 is a sum of partial results, as written by a split product.
        parts: bool,
    },
    /// A reduction with a body in front.
    Reduce {
        /// The combiner.
        kind: Combiner,
        /// Threads.
        lines: Lines,
    },
    /// A mean with a body in front, or the sums of its segments.
    Mean {
        /// Threads.
        lines: Lines,
    },
    /// A mean from the sums of segments.
    MeanOfParts,
    /// The index of an extreme.
    ArgReduce {
        /// The largest instead of the smallest.
        largest: bool,
        /// Threads.
        lines: Lines,
    },
    /// Sums, differences and products of integers, and conversions of floats to integers.
    Integers(crate::integers::Pair),
    /// Reductions and running sums of integers.
    IntegerLines {
        /// The combiner.
        kind: Combiner,
        /// Running sums.
        running: bool,
        /// Threads.
        lines: Lines,
    },
    /// Softmax, log-softmax or logsumexp.
    Exponential {
        /// Which of these.
        kind: Exponential,
        /// Threads.
        lines: Lines,
        /// Number of elements of a lane in registers, or 0.
        hold: u8,
    },
    /// A product in tiles.
    Product {
        /// The tile.
        tile: Tile,
        /// A is (k, m).
        ta: bool,
        /// B is (n, k).
        tb: bool,
        /// A is read in fours.
        va: bool,
        /// B is read in fours.
        vb: bool,
        /// Results are written in fours.
        vc: bool,
        /// Divided along k, too: partial results.
        split: bool,
        /// The body is expanded for every result, not once for each result of a row.
        unroll: bool,
    },
    /// A product in tiles on tensor cores.
    Tensor {
        /// The tile.
        tile: TensorTile,
        /// In bf16 instead of tf32.
        bf16: bool,
        /// A is (k, m).
        ta: bool,
        /// B is (n, k).
        tb: bool,
        /// A is read in fours.
        va: bool,
        /// B is read in fours.
        vb: bool,
        /// Results are written in twos.
        vc: bool,
        /// Divided along k, too: partial results.
        split: bool,
        /// The body is expanded for every result, not once for each result of a row.
        unroll: bool,
    },
    /// A product with few rows or columns.
    Few {
        /// The maximum number of rows: 1, 2, 4, 8 or 16.
        few: u8,
        /// Few columns instead of few rows.
        turned: bool,
        /// Threads.
        lines: Lines,
        /// Divided along k, too: partial results.
        split: bool,
    },
    /// Attention, or its gradients.
    Attention {
        /// The output.
        of: Attending,
        /// Rows of each of 8 threads: 4 or 8.
        high: u8,
        /// Columns of results in a block: 32, 64 or 128.
        wide: u8,
        /// Query i sees keys up to i.
        causal: bool,
        /// The number of masks.
        masks: u8,
        /// Rows are read and written in fours.
        vector: bool,
        /// Weights are dropped.
        drop: bool,
    },
    /// A convolution or an adjoint as a product, in tiles.
    Convolution {
        /// The tile.
        tile: Tile,
        /// Cells under windows are read along k instead of along n.
        along: bool,
    },
    /// The same, with a block for each result.
    Correlation,
    /// A convolution to few channels.
    FewChannels {
        /// Channels of a thread.
        few: u8,
        /// The adjoint in x.
        adjoint: bool,
    },
    /// The position of the largest element of each window.
    WindowArgMax,
    /// A copy over `rank` dimensions, in cells of `size` bytes: 1, 4 or 16.
    Copy {
        /// Dimensions after merging.
        rank: u8,
        /// Bytes of a cell.
        size: u8,
    },
    /// A copy whose innermost dimensions differ, with `rank` others.
    Turn {
        /// The other dimensions.
        rank: u8,
    },
    /// A fill of elements of `size` bytes: 1 or 4.
    Fill {
        /// Bytes of an element.
        size: u8,
    },
    /// A conversion between f32, bf16 and f16.
    Convert {
        /// The type that is read.
        from: Stored,
        /// The type that is written.
        to: Stored,
    },
    /// Reads at indices, in cells of `size` bytes.
    Take {
        /// An index for each element instead of one for each row.
        each: bool,
        /// Bytes of a cell.
        size: u8,
    },
    /// Writes at indices, in cells of `size` bytes.
    Put {
        /// Adds floats, with an index for each float.
        add: bool,
        /// Bytes of a cell.
        size: u8,
    },
    /// Sums at indices, in blocks of at most `rows` rows.
    TakeGrad {
        /// The maximum number of rows in a block.
        rows: u8,
        /// The indices are sorted into buckets of rows.
        placed: bool,
    },
    /// Counts indices by buckets of rows, or puts them into the buckets.
    Bucket {
        /// Puts instead of counting.
        place: bool,
    },
    /// The starts of buckets, from their counts.
    Starts,
    /// Stores the outcome of a run.
    Outcome,
    /// Sums at an index for each element, in lines.
    GatherGrad,
    /// Random booleans.
    Bernoulli,
    /// Counts a step.
    Advance,
    /// Running results.
    Running {
        /// The combiner.
        how: Combiner,
        /// From the end.
        reverse: bool,
        /// A block for each line instead of a thread.
        scan: bool,
    },
}
