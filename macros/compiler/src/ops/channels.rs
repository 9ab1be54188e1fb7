//! Normalisation of channels, which are dimension 1: over the batch, over groups of channels, or each channel
//! separately.
//!
//! Takes an input (N, C, ..) and scales and shifts of the channels (C); returns the input's shape. Variances are sums
//! of squared distances from the mean, never a difference of large numbers.

use super::ops;
use super::reduce::{centred, over_root_mean_square, spread};
use crate::args::Args;
use crate::cx::Cx;
use crate::diag::Reported;
use crate::dim::{Dim, Shape};
use crate::ir::NodeId;
use crate::real::Real;
use crate::scalar::Scalar as S;
use crate::value::{Tensor, Value};
use proc_macro2::Span;

ops! {
    "batch_norm" ("input, running_mean, running_var, weight = None, bias = None, training = false, momentum = None, eps = 1e-5") batch_norm_op;
    "group_norm" ("input, num_groups, weight = None, bias = None, eps = 1e-5") group_norm_op;
    "instance_norm"
        ("input, running_mean = None, running_var = None, weight = None, bias = None, use_input_stats = true, momentum = None, eps = 1e-5") instance_norm_op;
}

/// Scale and shift of each channel.
pub type Affine = (Option<NodeId>, Option<NodeId>);

/// A mean and a variance.
pub type Moments = (NodeId, NodeId);

/// All dimensions of `x` except the channels.
pub fn around(cx: &Cx, x: NodeId) -> Vec<usize> {
    (0..cx.g.shape(x).len()).filter(|d| *d != 1).collect()
}

/// Mean and variance over `dims`.
pub fn moments(cx: &mut Cx, x: NodeId, dims: &[usize], correction: f64) -> Moments {
    let (mean, d) = centred(cx, x, dims);
    (mean, spread(cx, d, dims, &correction.into()))
}

/// `(x - mean) / sqrt(var + eps)` by its own moments over `dims`.
pub fn normalise_own(cx: &mut Cx, x: NodeId, dims: &[usize], eps: &Real) -> NodeId {
    let (_, d) = centred(cx, x, dims);
    over_root_mean_square(cx, d, dims, eps)
}

/// `(x - mean) / sqrt(var + eps)` by given moments over `dims`.
pub fn normalise(cx: &mut Cx, x: NodeId, moments: Moments, dims: &[usize], eps: &Real) -> NodeId {
    let shape = cx.g.shape(x).clone();
    let centre = cx.g.unreduce(moments.0, dims, &shape);
    let d = cx.g.sub2(x, centre);
    let v = cx.g.shift_by(moments.1, eps);
    let r = cx.g.unary(S::Rsqrt, v);
    let r = cx.g.unreduce(r, dims, &shape);
    cx.g.mul2(d, r)
}

/// `x * weight + bias`, with one weight and bias for each channel.
pub fn affine(cx: &mut Cx, x: NodeId, (weight, bias): Affine) -> NodeId {
    let (shape, dims) = (cx.g.shape(x).clone(), around(cx, x));
    let mut y = x;
    for (f, by) in [(S::Mul, weight), (S::Add, bias)] {
        if let Some(by) = by {
            let by = cx.g.unreduce(by, &dims, &shape);
            y = cx.g.scalar(f, &[y, by]);
        }
    }
    y
}

/// Each group of channels of each sample by its own moments (Wu and He, 2018).
pub fn group_norm(cx: &mut Cx, x: NodeId, groups: &Dim, by: Affine, eps: &Real) -> NodeId {
    let shape = cx.g.shape(x).clone();
    let flat = vec![shape[0].clone(), groups.clone(), in_group(&shape, groups)];
    let flat = cx.g.reshape(x, &flat);
    let y = normalise_own(cx, flat, &[2], eps);
    let y = cx.g.reshape(y, &shape);
    affine(cx, y, by)
}

/// The number of values of a sample in one group.
fn in_group(shape: &Shape, groups: &Dim) -> Dim {
    let channels = shape[1].div_exact(groups);
    let channels = channels.unwrap_or_else(|| shape[1].div(groups));
    shape[2..].iter().fold(channels, |n, d| n.mul(d))
}

/// The variance of one value is 0, and the result does not depend on the input: PyTorch's error.
pub fn several(
    cx: &mut Cx,
    span: Span,
    callee: &str,
    what: &str,
    count: &Dim,
    x: &Tensor,
) -> Reported<()> {
    // An empty batch is allowed.
    if count.value() == Some(0) {
        return Ok(());
    }
    if count.value().is_none_or(|n| n >= 2) {
        let why = format!("`{callee}` normalises over {what}, and the variance of one value is 0");
        return cx.at_least(count, &Dim::from(2), span, &why);
    }
    let (per, larger) = match what {
        "all of a channel" => ("channel", "a larger batch or image"),
        "a channel of one sample" => ("channel of a sample", "a larger image"),
        _ => ("group", "a larger batch or image"),
    };
    let help = match cx.train {
        true => "\nhelp: if this function is never used in training, mark it `#[eval]`",
        false => "",
    };
    let text = format!(
        "`{callee}` needs at least 2 values per {per}, but `{}` has {count}{}\nnote: the variance of one value is 0\nhelp: use {larger}{help}",
        x.text,
        cx.origin_note(x)
    );
    Err(cx.error(span, text))
}

/// The number of values of one group that are normalised together.
pub fn group_values(shape: &Shape, groups: &Dim) -> Dim {
    in_group(shape, groups).mul(&shape[0])
}

/// The input, which must have channels.
fn input(cx: &mut Cx, a: &Args) -> Reported<Tensor> {
    let x = a.float(cx, "input")?;
    if cx.shape(&x).len() < 2 {
        let text = format!(
            "`{}` takes [N, C, ..], but `{}` has {}{}",
            a.callee,
            x.text,
            crate::args::count(cx.shape(&x).len(), "dimension"),
            cx.origin_note(&x)
        );
        return Err(cx.error(a.span_of("input"), text));
    }
    Ok(x)
}

/// An argument with one value for each channel.
fn per_channel(cx: &mut Cx, a: &Args, name: &str, x: &Tensor) -> Reported<Option<NodeId>> {
    if matches!(a.value(name), Value::Null) {
        return Ok(None);
    }
    let t = a.float(cx, name)?;
    let channels = cx.shape(x)[1].clone();
    if !cx.same_shape(&cx.shape(&t), std::slice::from_ref(&channels)) {
        let text = format!(
            "`{name}` of `{}` must be [{channels}], but is {}{}\nnote: each channel needs one value, and the channels are dimension 1 of `{}`{}",
            a.callee,
            cx.typed(t.id),
            cx.origin_line(&t),
            x.text,
            cx.origin_note(x)
        );
        return Err(cx.error(a.span_of(name), text));
    }
    Ok(Some(t.id))
}

/// `weight` and `bias`.
fn affine_of(cx: &mut Cx, a: &Args, x: &Tensor) -> Reported<Affine> {
    Ok((
        per_channel(cx, a, "weight", x)?,
        per_channel(cx, a, "bias", x)?,
    ))
}

/// `running_mean` and `running_var`, required unless the input's own statistics are used.
fn running(cx: &mut Cx, a: &Args, x: &Tensor, own: bool, flag: &str) -> Reported<Option<Moments>> {
    let mean = per_channel(cx, a, "running_mean", x)?;
    let var = per_channel(cx, a, "running_var", x)?;
    match mean.zip(var) {
        _ if own => Ok(None),
        Some(both) => Ok(Some(both)),
        None => {
            let text = format!(
                "`{}` with `{flag} = false` needs `running_mean` and `running_var`\nhelp: pass both, or `{flag} = true`",
                a.callee
            );
            Err(cx.error(a.span, text))
        }
    }
}

/// `momentum` is for statistics that the op would update in place; this one changes nothing.
fn no_momentum(cx: &mut Cx, a: &Args, layer: &str) -> Reported<()> {
    if matches!(a.value("momentum"), Value::Null) {
        return Ok(());
    }
    let text = format!(
        "`{}` updates no running statistics, so it takes no `momentum`\nhelp: remove `momentum`\nnote: the layer {layer}",
        a.callee
    );
    Err(cx.error(a.span_of("momentum"), text))
}

/// Running statistics are read only: a function assigns its buffers itself.
fn batch_norm_op(cx: &mut Cx, a: &Args) -> Reported<Value> {
    let x = input(cx, a)?;
    no_momentum(cx, a, "`BatchNorm1d` updates running statistics")?;
    let own = a.flag(cx, "training")?;
    let by = affine_of(cx, a, &x)?;
    let eps = a.real(cx, "eps")?;
    let dims = around(cx, x.id);
    let y = match running(cx, a, &x, own, "training")? {
        Some(used) => normalise(cx, x.id, used, &dims, &eps),
        None => {
            let shape = cx.shape(&x);
            let count = group_values(&shape, &shape[1]);
            several(cx, a.span, &a.callee, "all of a channel", &count, &x)?;
            normalise_own(cx, x.id, &dims, &eps)
        }
    };
    let y = affine(cx, y, by);
    Ok(cx.tensor(y))
}

fn group_norm_op(cx: &mut Cx, a: &Args) -> Reported<Value> {
    let x = input(cx, a)?;
    let groups = a.dim(cx, "num_groups")?;
    let shape = cx.shape(&x);
    let (at, why) = (
        a.span_of("num_groups"),
        "`num_groups` must divide the channels",
    );
    cx.divides(&shape[1], &groups, at, why)?;
    let count = group_values(&shape, &groups);
    several(cx, a.span, &a.callee, "a group of channels", &count, &x)?;
    let by = affine_of(cx, a, &x)?;
    let eps = a.real(cx, "eps")?;
    let y = group_norm(cx, x.id, &groups, by, &eps);
    Ok(cx.tensor(y))
}

fn instance_norm_op(cx: &mut Cx, a: &Args) -> Reported<Value> {
    let x = input(cx, a)?;
    no_momentum(
        cx,
        a,
        "`InstanceNorm1d` updates them with `track_running_stats = true`",
    )?;
    let own = a.flag(cx, "use_input_stats")?;
    let by = affine_of(cx, a, &x)?;
    let eps = a.real(cx, "eps")?;
    let y = match running(cx, a, &x, own, "use_input_stats")? {
        Some(used) => {
            let dims = around(cx, x.id);
            normalise(cx, x.id, used, &dims, &eps)
        }
        None => {
            let shape = cx.shape(&x);
            let count = in_group(&shape, &shape[1]);
            several(cx, a.span, &a.callee, "a channel of one sample", &count, &x)?;
            let channels = shape[1].clone();
            return Ok({
                let y = group_norm(cx, x.id, &channels, by, &eps);
                cx.tensor(y)
            });
        }
    };
    let y = affine(cx, y, by);
    Ok(cx.tensor(y))
}
