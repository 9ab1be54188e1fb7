//! Convolutions of sequences and images, forwards and transposed. A sequence is an image with a height of 1; padding
//! other than zeros is added before.

use super::ops;
use super::pad::pad_along;
use super::spatial::{self, Padding};
use crate::args::{Args, several};
use crate::cx::Cx;
use crate::diag::Reported;
use crate::dim::{Dim, Shape};
use crate::ir::NodeId;
use crate::kinds;
use crate::kinds::conv::Role;
use crate::kinds::flip::Flip;
use crate::kinds::windows::Windows;
use crate::scalar::Scalar as S;
use crate::value::{Tensor, Value};
use proc_macro2::Span;

ops! {
    "conv1d" ("input, weight, bias = None, stride = 1, padding = 0, dilation = 1, groups = 1") |cx, a| conv_op(cx, a, 1, false);
    "conv2d" ("input, weight, bias = None, stride = 1, padding = 0, dilation = 1, groups = 1") |cx, a| conv_op(cx, a, 2, false);
    "convolve1d" ("input, weight, bias = None, stride = 1, padding = 0, dilation = 1, groups = 1") |cx, a| conv_op(cx, a, 1, true);
    "convolve2d" ("input, weight, bias = None, stride = 1, padding = 0, dilation = 1, groups = 1") |cx, a| conv_op(cx, a, 2, true);
    "conv_transpose1d" ("input, weight, bias = None, stride = 1, padding = 0, output_padding = 0, groups = 1, dilation = 1") |cx, a| transpose_op(cx, a, 1);
    "conv_transpose2d" ("input, weight, bias = None, stride = 1, padding = 0, output_padding = 0, groups = 1, dilation = 1") |cx, a| transpose_op(cx, a, 2);
}

/// The settings of a convolution, apart from the size of its kernel.
#[derive(Clone, Debug)]
pub struct Conv {
    /// 1 for sequences, 2 for images.
    pub rank: usize,
    /// Distance between windows.
    pub stride: Vec<Dim>,
    /// The padding of the input.
    pub padding: Padding,
    /// `zeros`, or the mode's name in `pad`.
    pub mode: &'static str,
    /// Distance between a window's cells.
    pub dilation: Vec<Dim>,
    /// Groups of channels.
    pub groups: Dim,
    /// Extra cells in the result of a transposed convolution.
    pub output_padding: Vec<Dim>,
}

impl Conv {
    /// From arguments of PyTorch's names.
    pub fn read(cx: &mut Cx, a: &Args, rank: usize) -> Reported<Conv> {
        let stride = spatial::sizes(cx, a, "stride", rank)?;
        let padding = spatial::padding(cx, a, rank, &stride)?;
        let dilation = spatial::sizes(cx, a, "dilation", rank)?;
        let groups = a.dim(cx, "groups")?;
        spatial::positive(cx, a, "groups", &groups)?;
        let mode = match a.has("padding_mode") {
            false => "zeros",
            true => {
                let modes = ["zeros", "reflect", "replicate", "circular"];
                a.choice(cx, "padding_mode", &modes)?
            }
        };
        let mut output_padding = vec![Dim::from(0); rank];
        if a.has("output_padding") {
            output_padding = spatial::sizes_or_zero(cx, a, "output_padding", rank)?;
            for d in 0..rank {
                let (more, span) = (output_padding[d].clone(), a.span_of("output_padding"));
                let limits = (stride[d].value(), dilation[d].value());
                let (Some(limit), Some(padding)) =
                    (limits.0.zip(limits.1).map(|(s, d)| s.max(d)), more.value())
                else {
                    let why = format!(
                        "`output_padding` of `{}` must be less than the stride",
                        a.callee
                    );
                    let least = more.add(&Dim::one());
                    cx.at_least(&stride[d], &least, span, &why)?;
                    continue;
                };
                if padding >= limit {
                    let text = format!(
                        "`output_padding` of `{}` is {padding}, but must be less than {limit}\nnote: {limit} is the larger of the stride ({}) and the dilation ({})",
                        a.callee, stride[d], dilation[d]
                    );
                    return Err(cx.error(a.span_of("output_padding"), text));
                }
            }
        }
        Ok(Conv {
            rank,
            stride,
            padding,
            mode,
            dilation,
            groups,
            output_padding,
        })
    }

    /// The node's geometry; `low` is the padding before the first cell.
    fn windows(&self, low: &[Dim]) -> Windows {
        let two = |v: &[Dim]| match v {
            [one] => [Dim::one(), one.clone()],
            _ => [v[0].clone(), v[1].clone()],
        };
        Windows {
            stride: two(&self.stride),
            padding: match low {
                [one] => [Dim::from(0), one.clone()],
                _ => [low[0].clone(), low[1].clone()],
            },
            dilation: two(&self.dilation),
        }
    }
}

/// (N, C, L) as (N, C, 1, L).
pub fn as_image(shape: &Shape) -> Shape {
    let mut shape = shape.clone();
    if shape.len() == 3 {
        shape.insert(2, Dim::one());
    }
    shape
}

/// A node whose operands and result are images.
fn push(
    cx: &mut Cx,
    (role, conv, low): (Role, &Conv, &[Dim]),
    args: [NodeId; 2],
    shape: &Shape,
) -> NodeId {
    let args = args.map(|a| {
        let shape = as_image(cx.g.shape(a));
        cx.g.reshape(a, &shape)
    });
    let op = kinds::conv::Conv {
        role,
        windows: conv.windows(low),
        groups: conv.groups.clone(),
    };
    let y = cx.g.push(op, &args, Some(as_image(shape)));
    cx.g.reshape(y, shape)
}

/// A number for each channel, added to (N, C, ..).
fn add_bias(cx: &mut Cx, y: NodeId, bias: Option<NodeId>) -> NodeId {
    let Some(bias) = bias else { return y };
    let mut shape = cx.g.shape(bias).clone();
    shape.resize(cx.g.shape(y).len() - 1, Dim::one());
    let bias = cx.g.reshape(bias, &shape);
    cx.g.binary(S::Add, y, bias)
}

/// `y[n, o, i] = b[o] + sum over c, k of x[n, c, i * stride + k * dilation - padding] w[o, c, k]`, with
/// x (N, C, ..), w (O, C / groups, ..); channels fit.
pub fn conv(
    cx: &mut Cx,
    (span, callee): (Span, &str),
    x: &Tensor,
    (w, bias): (NodeId, Option<NodeId>),
    conv: &Conv,
) -> Reported<NodeId> {
    let kernel = cx.g.shape(w)[2..].to_vec();
    let mut sides = conv.padding.sides(&kernel, &conv.dilation);
    let mut x = x.clone();
    if conv.mode != "zeros" {
        for (d, side) in sides.iter_mut().enumerate() {
            x.id = pad_along(cx, span, &x, 2 + d, (&side.0, &side.1), conv.mode)?;
            *side = (Dim::from(0), Dim::from(0));
        }
    }
    let mut shape = cx.shape(&x);
    shape[1] = cx.g.shape(w)[0].clone();
    for d in 0..conv.rank {
        let window = spatial::Window {
            kernel: kernel[d].clone(),
            stride: conv.stride[d].clone(),
            dilation: conv.dilation[d].clone(),
            sides: sides[d].clone(),
        };
        shape[2 + d] = window.count(cx, (span, callee), &x, 2 + d)?;
    }
    let low: Vec<Dim> = sides.into_iter().map(|s| s.0).collect();
    let y = push(cx, (Role::Y, conv, &low), [x.id, w], &shape);
    Ok(add_bias(cx, y, bias))
}

/// The adjoint: every element of x (N, C, ..) adds a kernel of w (C, O / groups, ..) to the result.
pub fn transpose(
    cx: &mut Cx,
    (span, callee): (Span, &str),
    x: &Tensor,
    (w, bias): (NodeId, Option<NodeId>),
    conv: &Conv,
) -> Reported<NodeId> {
    let (from, kernel) = (cx.shape(x), cx.g.shape(w).clone());
    let sides = conv.padding.sides(&kernel[2..], &conv.dilation);
    let mut shape = from[..1].to_vec();
    shape.push(kernel[1].mul(&conv.groups));
    for d in 0..conv.rank {
        spatial::filled(cx, (span, callee), x, 2 + d)?;
        let whole = from[2 + d]
            .sub(&Dim::one())
            .mul(&conv.stride[d])
            .add(&spatial::reach(&kernel[2 + d], &conv.dilation[d]))
            .add(&conv.output_padding[d]);
        let cut = sides[d].0.add(&sides[d].1);
        if whole.sub(&cut).value().is_some_and(|left| left < 1) {
            let text = format!(
                "`padding` of `{callee}` removes {} from a result of size {whole}, so nothing is left{}",
                several(&cut, "element"),
                cx.origin_note(x)
            );
            return Err(cx.error(span, text));
        }
        let why = format!("the padding of `{callee}` must not remove the whole result");
        cx.at_least(&whole, &cut.add(&Dim::one()), span, &why)?;
        shape.push(whole.sub(&cut));
    }
    let low: Vec<Dim> = sides.into_iter().map(|s| s.0).collect();
    let y = push(cx, (Role::X, conv, &low), [x.id, w], &shape);
    Ok(add_bias(cx, y, bias))
}

/// Checks input, weight and bias of an op, and makes the input a batch. Their ranks and channels then fit: `of_weight`
/// returns the channels before and after.
fn operands(
    cx: &mut Cx,
    a: &Args,
    (rank, layout): (usize, &str),
    of_weight: impl Fn(&Shape) -> (Dim, Dim),
) -> Reported<(spatial::Batch, Tensor, Option<NodeId>)> {
    let (x, w) = (a.float(cx, "input")?, a.float(cx, "weight")?);
    let bias = a.optional_float(cx, "bias")?;
    let batch = spatial::batch_or_one(cx, (a.span_of("input"), &a.callee), &x, rank)?;
    let (shape, kernel) = (cx.shape(&batch.x), cx.shape(&w));
    if kernel.len() != rank + 2 {
        let text = format!(
            "`weight` of `{}` must have {} dimensions, not {}{}\nnote: a weight is {layout}",
            a.callee,
            rank + 2,
            cx.shape(&w).len(),
            cx.origin_note(&w)
        );
        return Err(cx.error(a.span_of("weight"), text));
    }
    let (channels, out) = of_weight(&kernel);
    if !cx.same(&channels, &shape[1]) {
        let text = format!(
            "`weight` of `{}` takes {channels} channels, but dimension 1 of `{}` has size {}{}{}\nnote: a weight is {layout}",
            a.callee,
            x.text,
            shape[1],
            cx.origin_note(&x),
            cx.origin_note(&w),
        );
        return Err(cx.error(a.span_of("weight"), text));
    }
    if let Some(b) = &bias
        && !cx.same_shape(&cx.shape(b), std::slice::from_ref(&out))
    {
        let text = format!(
            "`bias` of `{}` must be [{out}], but is {}{}",
            a.callee,
            cx.typed(b.id),
            cx.origin_line(b)
        );
        return Err(cx.error(a.span_of("bias"), text));
    }
    Ok((batch, w, bias.map(|b| b.id)))
}

/// With `flip` the true convolution: the kernel is reversed, as in `(f * g)[n] = sum f[n - k] g[k]`.
fn conv_op(cx: &mut Cx, a: &Args, rank: usize, flip: bool) -> Reported<Value> {
    let settings = Conv::read(cx, a, rank)?;
    let groups = settings.groups.clone();
    let layout = match rank {
        1 => "[out, in / groups, length]",
        _ => "[out, in / groups, height, width]",
    };
    let (batch, mut w, bias) =
        operands(cx, a, (rank, layout), |w| (w[1].mul(&groups), w[0].clone()))?;
    let out = cx.shape(&w)[0].clone();
    spatial::grouped(cx, a, ("output", &out), &groups)?;
    if flip {
        w.id = cx.g.push(
            Flip {
                dims: (2..2 + rank).collect(),
            },
            &[w.id],
            None,
        );
    }
    let y = conv(cx, (a.span, &a.callee), &batch.x, (w.id, bias), &settings)?;
    let y = batch.result(cx, y);
    Ok(cx.tensor(y))
}

fn transpose_op(cx: &mut Cx, a: &Args, rank: usize) -> Reported<Value> {
    let settings = Conv::read(cx, a, rank)?;
    let groups = settings.groups.clone();
    let layout = match rank {
        1 => "[in, out / groups, length]",
        _ => "[in, out / groups, height, width]",
    };
    let (batch, w, bias) = operands(cx, a, (rank, layout), |w| (w[0].clone(), w[1].mul(&groups)))?;
    let inner = cx.shape(&w)[0].clone();
    spatial::grouped(cx, a, ("input", &inner), &groups)?;
    let y = transpose(cx, (a.span, &a.callee), &batch.x, (w.id, bias), &settings)?;
    let y = batch.result(cx, y);
    Ok(cx.tensor(y))
}
