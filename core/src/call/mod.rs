//! Kernel calls as data: every kernel that does not depend on a body of the network.
//!
//! A [`Call`] holds the computation and its sizes. Its operands are passed separately, in the order in which
//! [`Call::declare`] lists them. The run checks each operand against that list, and a device finds their addresses in
//! the same order. Lengths are in elements. A call whose outputs are empty is not made.

mod operands;

pub use operands::{Access, Declared, Elements};

use self::operands::elements;
use crate::DType::{Bool, Float, Int};
use crate::{
    Attention, Axis, Combiner, Convolution, DType, Integers, Number, Role, Softmax, Stored, Stream,
    Window2,
};

/// The strides of a mask that attention adds to its scores, over (batch, heads, queries, keys); the last is 0 or 1.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct ScoreMask {
    /// The number of elements before the first that is read.
    pub start: usize,
    /// In elements, outermost first.
    pub strides: [usize; 4],
}

/// A call. Variants name their operands in order: the operands that are read, an arrow, the operands that are written.
#[derive(Clone, Copy, Debug, PartialEq)]
pub enum Call<'a> {
    /// -> y. Sets all of `len` elements.
    Fill {
        /// The value, which also gives the type of the elements.
        value: Number,
        /// The number of elements.
        len: usize,
    },
    /// x -> y. `y[i]` = the nearest number of type `to` to `x[i]`, ties to even. Numbers that are too large become
    /// infinite. NaN becomes a quiet NaN. Equal types are copied bit for bit. Both types are floats: the device's
    /// float, bf16 or f16.
    Convert {
        /// The type of x.
        from: Stored,
        /// The type of y.
        to: Stored,
        /// The number of elements.
        len: usize,
    },
    /// -> y, booleans that are true with probability `keep`.
    Bernoulli {
        /// The probability.
        keep: f64,
        /// The random numbers.
        stream: Stream,
        /// The number of elements.
        len: usize,
    },
    /// x -> y. `y[o, i]` = index of the first largest (`largest`) or smallest element along n; the first NaN wins.
    ArgReduce {
        /// The largest instead of the smallest.
        largest: bool,
        /// The axis of x.
        axis: Axis,
    },
    /// x -> y, which may be x. Softmax or log-softmax along n, stable.
    Softmax {
        /// Softmax or log-softmax.
        kind: Softmax,
        /// The axis of x and y.
        axis: Axis,
    },
    /// x -> log, max. `log(sum over n of exp(x))` in two parts, `log(sum(exp(x - max)))` and `max`, or 0 where that is
    /// infinite; all `-inf` gives `-inf` and 0.
    LogSumExp {
        /// The axis of x.
        axis: Axis,
    },
    /// x -> y, which may be x. Running sums, or the results of another combiner, along n, in double precision.
    Running {
        /// The combiner.
        how: Combiner,
        /// From the end instead of from the start.
        reverse: bool,
        /// The axis of x and y.
        axis: Axis,
    },
    /// a, b -> y. A function of integers; `b` is `a` where the function has one operand.
    Integers(Integers),
    /// Two arrays -> the third, whose role is `role`; the order is x, w, y. Role Y is the convolution `y[n, o, i] = sum
    /// over c, k of x[n, c, i * stride + k * dilation - padding] w[o, c, k]`; X and W are the derivatives of `sum(y *
    /// conv(x, w))` in x and w. In a fixed order.
    Convolve {
        /// The array that is computed.
        role: Role,
        /// The geometry.
        size: Convolution,
    },
    /// x -> index. `index[g, i]` = flat position h * W + w of the largest element of window i in image g: the first of
    /// equal ones, the last NaN if there is one. Cells outside the image are never taken; a window without a cell
    /// inside gives -1.
    WindowArgMax(Window2),
    /// q, k, v, masks.. -> out, lse. `out[i] = sum over j of w[i, j] v[j]`, `w[i] = softmax over j of scale q[i] k[j] +
    /// masks[i, j]`. `lse`, (batch, heads, 2, queries), has the logarithm of the softmax's sum of `exp(score - max)`,
    /// and `max`, the largest score or 0 where that is infinite. A query that sees no key gets 0. If there are no keys,
    /// `max` is undefined.
    Attention {
        /// The sizes.
        size: Attention,
        /// The masks.
        masks: &'a [ScoreMask],
    },
    /// q, k, v, masks.., out, lse, dout -> dq, dk, dv. The gradients of q, k and v, from the results of
    /// [`Call::Attention`] and the gradient of `out`. In a fixed order.
    AttentionGrad {
        /// The sizes.
        size: Attention,
        /// The masks.
        masks: &'a [ScoreMask],
    },
    /// x, index -> y. `y[o, c, i] = x[o, index[c], i]`, `c < count`. An index out of range leaves 0.
    Take {
        /// The type of x and y.
        dtype: DType,
        /// The axis of x.
        axis: Axis,
        /// The number of indices.
        count: usize,
    },
    /// dy, index -> dx. `dx = 0; dx[o, index[c], i] += dy[o, c, i]`, in a fixed order.
    TakeGrad {
        /// The axis of dx.
        axis: Axis,
        /// The number of indices.
        count: usize,
    },
    /// source, index -> y. `y[o, index[c], i] = source[o, c, i]`, `c < count`, in the order of c; the rest of y stays.
    /// An index out of range writes nothing.
    Put {
        /// The type of source and y.
        dtype: DType,
        /// The axis of y.
        axis: Axis,
        /// The number of indices.
        count: usize,
    },
    /// x, index -> y. `y[o, j, i] = x[o, index[o, j, i], i]`, `j < count`. An index out of range leaves 0.
    Gather {
        /// The type of x and y.
        dtype: DType,
        /// The axis of x.
        axis: Axis,
        /// The number of indices along n.
        count: usize,
    },
    /// dy, index -> dx. `dx = 0; dx[o, index[o, j, i], i] += dy[o, j, i]`, in a fixed order.
    GatherGrad {
        /// The axis of dx.
        axis: Axis,
        /// The number of indices along n.
        count: usize,
    },
}

impl Call<'_> {
    /// The maximum number of operands of a call.
    pub const MOST: usize = 24;

    /// The name in messages.
    pub const fn name(&self) -> &'static str {
        match self {
            Call::Fill { .. } => "fill",
            Call::Convert { .. } => "convert",
            Call::Bernoulli { .. } => "bernoulli",
            Call::ArgReduce { .. } => "arg_reduce",
            Call::Softmax { .. } => "softmax",
            Call::LogSumExp { .. } => "logsumexp",
            Call::Running { .. } => "running",
            Call::Integers(_) => "integers",
            Call::Convolve { .. } => "convolve",
            Call::WindowArgMax(_) => "window_arg_max",
            Call::Attention { .. } => "attention",
            Call::AttentionGrad { .. } => "attention_grad",
            Call::Take { .. } => "take",
            Call::TakeGrad { .. } => "take_grad",
            Call::Put { .. } => "put",
            Call::Gather { .. } => "gather",
            Call::GatherGrad { .. } => "gather_grad",
        }
    }

    /// Lists the operands to `each`, until that returns an error.
    #[inline]
    pub fn declare<E>(&self, mut each: impl FnMut(Declared) -> Result<(), E>) -> Result<(), E> {
        let read = Declared::read::<DType>;
        let write = Declared::write::<DType>;
        match *self {
            Call::Fill { value, len } => each(write(value.dtype(), len)),
            Call::Convert { from, to, len } => {
                each(Declared::read(from, len))?;
                each(Declared::write(to, len))
            }
            Call::Bernoulli { len, .. } => each(write(Bool, len)),
            Call::ArgReduce { axis, .. } => {
                each(read(Float, all(axis)))?;
                each(write(Int, lines(axis)))
            }
            Call::Softmax { axis, .. } | Call::Running { axis, .. } => {
                each(read(Float, all(axis)))?;
                each(Declared::write_on(0, Float, all(axis)))
            }
            Call::LogSumExp { axis } => {
                each(read(Float, all(axis)))?;
                each(write(Float, lines(axis)))?;
                each(write(Float, lines(axis)))
            }
            Call::Integers(f) => {
                let (from, to) = match f {
                    Integers::Add(len)
                    | Integers::Sub(len)
                    | Integers::Mul(len)
                    | Integers::Cast(len) => (len, len),
                    Integers::Reduce(_, axis) => (all(axis), lines(axis)),
                    Integers::Running(_, axis) => (all(axis), all(axis)),
                };
                let dtype = match f {
                    Integers::Cast(_) => Float,
                    _ => Int,
                };
                each(read(dtype, from))?;
                each(read(dtype, from))?;
                each(write(Int, to))
            }
            Call::Convolve { role, size } => {
                let len = |role| elements(&size.shape(role));
                for other in [Role::X, Role::W, Role::Y] {
                    if other != role {
                        each(read(Float, len(other)))?;
                    }
                }
                each(write(Float, len(role)))
            }
            Call::WindowArgMax(w) => {
                each(read(Float, elements(&[w.planes, w.x[0], w.x[1]])))?;
                each(write(Int, elements(&[w.planes, w.y[0], w.y[1]])))
            }
            Call::Attention { size, masks } => {
                inputs(&size, masks, &mut each)?;
                each(write(Float, rows(&size, size.queries, size.value_width)))?;
                each(write(Float, rows(&size, 2, size.queries)))
            }
            Call::AttentionGrad { size, masks } => {
                inputs(&size, masks, &mut each)?;
                let results = rows(&size, size.queries, size.value_width);
                each(read(Float, results))?;
                each(read(Float, rows(&size, 2, size.queries)))?;
                each(read(Float, results))?;
                each(write(Float, rows(&size, size.queries, size.width)))?;
                each(write(Float, rows(&size, size.keys, size.width)))?;
                each(write(Float, rows(&size, size.keys, size.value_width)))
            }
            Call::Take { dtype, axis, count } => {
                each(read(dtype, all(axis)))?;
                each(read(Int, count))?;
                each(write(dtype, all(Axis { n: count, ..axis })))
            }
            Call::TakeGrad { axis, count } => {
                each(read(Float, all(Axis { n: count, ..axis })))?;
                each(read(Int, count))?;
                each(write(Float, all(axis)))
            }
            Call::Put { dtype, axis, count } => {
                each(read(dtype, all(Axis { n: count, ..axis })))?;
                each(read(Int, count))?;
                each(write(dtype, all(axis)))
            }
            Call::Gather { dtype, axis, count } => {
                let counted = all(Axis { n: count, ..axis });
                each(read(dtype, all(axis)))?;
                each(read(Int, counted))?;
                each(write(dtype, counted))
            }
            Call::GatherGrad { axis, count } => {
                let counted = all(Axis { n: count, ..axis });
                each(read(Float, counted))?;
                each(read(Int, counted))?;
                each(write(Float, all(axis)))
            }
        }
    }

    /// Checks sizes that are not bounded by the length of an operand.
    pub fn check(&self) -> Result<(), &'static str> {
        match self {
            Call::Convert { from, to, .. } if !(from.is_float() && to.is_float()) => {
                Err("a conversion is not between floats")
            }
            Call::Convolve { size: g, .. } => {
                windows(g.stride, g.padding, g.dilation, [g.x, g.kernel, g.y])
            }
            Call::WindowArgMax(w) => windows(w.stride, w.padding, w.dilation, [w.x, w.kernel, w.y]),
            Call::Attention { size: g, masks } | Call::AttentionGrad { size: g, masks } => {
                // Kernels count heads even if the heads are empty.
                let heads = elements(&[g.batch, g.heads]);
                let scores = elements(&[g.batch, g.heads, g.queries, g.keys]);
                if heads.max(scores) > isize::MAX as usize / 8 {
                    return Err("attention has too many scores");
                }
                if scores > 0 && masks.iter().any(|m| m.strides[3] > 1) {
                    return Err("a mask's keys do not lie side by side");
                }
                Ok(())
            }
            _ => Ok(()),
        }
    }

    /// Indices that the call reads must be smaller than this.
    pub fn limit(&self) -> Option<usize> {
        match self {
            Call::Take { axis, .. }
            | Call::TakeGrad { axis, .. }
            | Call::Put { axis, .. }
            | Call::Gather { axis, .. }
            | Call::GatherGrad { axis, .. } => Some(axis.n),
            _ => None,
        }
    }

    /// The random numbers that the call draws.
    pub fn stream(&self) -> Option<Stream> {
        match self {
            Call::Bernoulli { stream, .. } => Some(*stream),
            Call::Attention { size, .. } | Call::AttentionGrad { size, .. } => {
                size.dropout.map(|d| d.stream)
            }
            _ => None,
        }
    }
}

/// All elements of a block.
fn all(axis: Axis) -> usize {
    elements(&[axis.outer, axis.n, axis.inner])
}

/// The elements that remain when n is reduced.
fn lines(axis: Axis) -> usize {
    elements(&[axis.outer, axis.inner])
}

/// Elements of an array of rows.
fn rows(g: &Attention, length: usize, width: usize) -> usize {
    elements(&[g.batch, g.heads, length, width])
}

/// The first operands that attention and its gradient read.
fn inputs<E>(
    g: &Attention,
    masks: &[ScoreMask],
    each: &mut impl FnMut(Declared) -> Result<(), E>,
) -> Result<(), E> {
    each(Declared::read(Float, rows(g, g.queries, g.width)))?;
    each(Declared::read(Float, rows(g, g.keys, g.width)))?;
    each(Declared::read(Float, rows(g, g.keys, g.value_width)))?;
    let shape = [g.batch, g.heads, g.queries, g.keys];
    for mask in masks {
        each(Declared::read_strided(
            Float,
            mask.start,
            mask.strides,
            shape,
        ))?;
    }
    Ok(())
}

/// Whether positions of windows can be computed without overflow; strides and dilations are not 0.
fn windows(
    stride: [usize; 2],
    padding: [usize; 2],
    dilation: [usize; 2],
    sizes: [[usize; 2]; 3],
) -> Result<(), &'static str> {
    const LIMIT: usize = 1 << 30;
    let numbers = [stride, padding, dilation, sizes[0], sizes[1], sizes[2]];
    let small = numbers.iter().flatten().all(|n| *n < LIMIT);
    let steps = stride.iter().chain(&dilation).all(|n| *n > 0);
    match small && steps {
        true => Ok(()),
        false => Err("windows are out of bounds"),
    }
}
