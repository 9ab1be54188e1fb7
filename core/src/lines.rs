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

/// Which softmax.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Softmax {
    /// `exp(x) / sum(exp(x))`.
    Softmax,
    /// `x - logsumexp(x)`.
    LogSoftmax,
}

/// A function of 64-bit integers. A result that does not fit is reported; what does not fit on the way to one that
/// fits is not.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Integers {
    /// `y[i] = a[i] + b[i]` of so many.
    Add(usize),
    /// `y[i] = a[i] - b[i]`.
    Sub(usize),
    /// `y[i] = a[i] * b[i]`.
    Mul(usize),
    /// Floats `a[i]`, cut towards zero. NaN does not fit.
    Cast(usize),
    /// A reduction of `a` along n. The largest and the smallest of no element do not fit.
    Reduce(Combiner, Axis),
    /// Running results of `a` along n.
    Running(Combiner, Axis),
}
