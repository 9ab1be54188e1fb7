//! Work along one dimension.

use crate::Combiner;

/// A block seen as (outer, n, inner): the op works along `n`.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Axis {
    /// Product of the dimensions before.
    pub outer: usize,
    /// The dimension worked along.
    pub n: usize,
    /// Product of the dimensions after.
    pub inner: usize,
}

/// Softmax or log-softmax.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Softmax {
    /// `exp(x) / sum(exp(x))`.
    Softmax,
    /// `x - logsumexp(x)`.
    LogSoftmax,
}

/// A function of 64-bit integers. A result that does not fit is reported. An intermediate value that does not fit is
/// not, if the result fits.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Integers {
    /// `y[i] = a[i] + b[i]`, with this number of elements.
    Add(usize),
    /// `y[i] = a[i] - b[i]`.
    Sub(usize),
    /// `y[i] = a[i] * b[i]`.
    Mul(usize),
    /// Floats `a[i]`, rounded towards zero. NaN does not fit.
    Cast(usize),
    /// A reduction of `a` along n. The largest and the smallest of no elements do not fit.
    Reduce(Combiner, Axis),
    /// Running results of `a` along n.
    Running(Combiner, Axis),
}
