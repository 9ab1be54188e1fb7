//! Activations. Where a branch would overflow, its argument is replaced first, so that the gradient of the branch not
//! taken is 0 and not NaN.

use super::elementwise::{clamp_to, float, hard};
use super::{integer, ops, spatial};
use crate::args::Args;
use crate::cx::Cx;
use crate::diag::Reported;
use crate::dim::{Dim, Shape};
use crate::ir::{Graph, NodeId, Op};
use crate::kinds::bernoulli::Bernoulli;
use crate::kinds::softmax::Softmax;
use crate::real::Real;
use crate::scalar::Scalar as S;
use crate::value::Value;

ops! {
    "relu6" ("input") |cx, a| {
        let [low, high] = [0, 6].map(Value::Whole);
        if let Some(y) = integer::clamp(cx, a, [&low, &high])? {
            return Ok(cx.tensor(y));
        }
        float(cx, a, |cx, x| hard(cx, x, [0.0, 6.0].map(Real::Known)))
    };
    "silu" ("input") |cx, a| float(cx, a, |cx, x| {
        far(cx, x, |cx, x| {
            let s = cx.g.unary(S::Sigmoid, x);
            cx.g.mul2(x, s)
        })
    });
    "leaky_relu" ("input, negative_slope = 0.01") leaky_relu;
    "elu" ("input, alpha = 1.0") |cx, a| { let alpha = a.real(cx, "alpha")?; float(cx, a, |cx, x| elu(cx, x, &alpha, &1.0.into())) };
    "celu" ("input, alpha = 1.0") |cx, a| { let alpha = a.real(cx, "alpha")?; float(cx, a, |cx, x| elu(cx, x, &alpha, &alpha.inverse())) };
    "selu" ("input") |cx, a| float(cx, a, |cx, x| {
        let y = elu(cx, x, &1.673_263_242_354_377_2.into(), &1.0.into());
        cx.g.scale(y, 1.050_700_987_355_480_5)
    });
    "gelu" ("input, approximate = \"none\"") gelu_op;
    "glu" ("input, dim = -1") glu;
    "softplus" ("input, beta = 1.0, threshold = 20.0") softplus_op;
    "logsigmoid" ("input") |cx, a| float(cx, a, |cx, x| {
        let n = cx.g.neg(x);
        let y = softplus(cx, n);
        cx.g.neg(y)
    });
    "mish" ("input") |cx, a| float(cx, a, |cx, x| {
        far(cx, x, |cx, x| {
            let y = softplus(cx, x);
            let y = cx.g.unary(S::Tanh, y);
            cx.g.mul2(x, y)
        })
    });
    "hardtanh" ("input, min_val = -1.0, max_val = 1.0") |cx, a| {
        let bounds = [a.real(cx, "min_val")?, a.real(cx, "max_val")?];
        // For integers, the bounds are truncated to integers.
        let of = |name: &str| match a.value(name) {
            Value::Number(v) => Value::Whole(v as i128),
            whole => whole,
        };
        let whole = [of("min_val"), of("max_val")];
        if let Some(y) = integer::clamp(cx, a, [&whole[0], &whole[1]])? {
            return Ok(cx.tensor(y));
        }
        float(cx, a, |cx, x| hard(cx, x, bounds))
    };
    "hardsigmoid" ("input") |cx, a| float(cx, a, hardsigmoid);
    "hardswish" ("input") |cx, a| float(cx, a, hardswish);
    "softsign" ("input") |cx, a| float(cx, a, |cx, x| {
        let d = cx.g.unary(S::Abs, x);
        let d = cx.g.shift(d, 1.0);
        cx.g.div2(x, d)
    });
    "tanhshrink" ("input") |cx, a| float(cx, a, |cx, x| {
        let y = cx.g.unary(S::Tanh, x);
        cx.g.sub2(x, y)
    });
    "softmax" ("input, dim") |cx, a| softmax(cx, a, false);
    "log_softmax" ("input, dim") |cx, a| softmax(cx, a, true);
    "dropout" ("input, p = 0.5") dropout_op;
    "dropout1d" ("input, p = 0.5") |cx, a| dropout_channels(cx, a, 1);
    "dropout2d" ("input, p = 0.5") |cx, a| dropout_channels(cx, a, 2);
}

/// A function near 0, and `relu` far away, where the two round to the same values. So products of large numbers with 0,
/// and their NaN, do not occur, neither in the result nor in the gradient.
fn far(cx: &mut Cx, x: NodeId, f: impl FnOnce(&mut Cx, NodeId) -> NodeId) -> NodeId {
    let (zero, limit) = (cx.g.constant(0.0), cx.g.constant(1e4));
    let size = cx.g.unary(S::Abs, x);
    let is_far = cx.g.binary(S::Gt, size, limit);
    let near = cx.g.select(is_far, zero, x);
    let near = f(cx, near);
    let line = cx.g.unary(S::Relu, x);
    cx.g.scalar(S::Where, &[is_far, line, near])
}

fn hardsigmoid(cx: &mut Cx, x: NodeId) -> NodeId {
    let y = cx.g.shift(x, 3.0);
    let y = clamp_to(cx, y, Some(Real::Known(0.0)), Some(Real::Known(6.0)));
    cx.g.scale(y, 1.0 / 6.0)
}

/// `x (x + 3) / 6` between -3 and 3; below 0, above (and at NaN) `x`.
fn hardswish(cx: &mut Cx, x: NodeId) -> NodeId {
    let (zero, low, high) = (cx.g.constant(0.0), cx.g.constant(-3.0), cx.g.constant(3.0));
    let off = cx.g.binary(S::Le, x, low);
    let below = cx.g.binary(S::Lt, x, high);
    let inside = cx.g.select(below, x, zero);
    let inside = cx.g.select(off, zero, inside);
    let line = cx.g.shift(inside, 3.0);
    let line = cx.g.scale(line, 1.0 / 6.0);
    let curve = cx.g.mul2(inside, line);
    cx.g.scalar(S::Where, &[below, curve, x])
}

fn leaky_relu(cx: &mut Cx, a: &Args) -> Reported<Value> {
    let slope = a.real(cx, "negative_slope")?;
    float(cx, a, |cx, x| {
        let zero = cx.g.constant(0.0);
        let c = cx.g.binary(S::Gt, x, zero);
        let y = cx.g.scale_by(x, &slope);
        cx.g.scalar(S::Where, &[c, x, y])
    })
}

/// `x` above 0 (and at NaN), else `alpha (exp(rate x) - 1)`.
fn elu(cx: &mut Cx, x: NodeId, alpha: &Real, rate: &Real) -> NodeId {
    let zero = cx.g.constant(0.0);
    let c = cx.g.binary(S::Le, x, zero);
    let low = cx.g.select(c, x, zero);
    let low = if rate.is(1.0) {
        low
    } else {
        cx.g.scale_by(low, rate)
    };
    let e = cx.g.unary(S::Expm1, low);
    let e = cx.g.scale_by(e, alpha);
    cx.g.scalar(S::Where, &[c, e, x])
}

/// `a sigmoid(b)` of the halves a and b along a dimension (Dauphin et al., 2017).
fn glu(cx: &mut Cx, a: &Args) -> Reported<Value> {
    let x = a.float(cx, "input")?;
    let dim = a.axis(cx, "dim", &x)?;
    let mut shape = cx.shape(&x);
    let why = format!("`glu` halves dimension {dim}");
    let half = cx.divides(&shape[dim], &Dim::from(2), a.span_of("input"), &why)?;
    shape[dim] = half.clone();
    let mut part = |from: Dim| {
        let mut start = vec![Dim::from(0); shape.len()];
        start[dim] = from;
        let step = vec![1; shape.len()];
        cx.g.push(Op::Slice { start, step }, &[x.id], Some(shape.clone()))
    };
    let (value, gate) = (part(Dim::from(0)), part(half));
    let gate = cx.g.unary(S::Sigmoid, gate);
    let y = cx.g.mul2(value, gate);
    Ok(cx.tensor(y))
}

/// `x / 2 (1 + erf(x / sqrt 2))` (Hendrycks and Gimpel, 2016).
pub fn gelu(cx: &mut Cx, x: NodeId) -> NodeId {
    gelu_as(cx, x, false)
}

/// The same, or its tanh approximation.
fn gelu_as(cx: &mut Cx, x: NodeId, tanh: bool) -> NodeId {
    far(cx, x, |cx, x| gelu_near(&mut cx.g, x, tanh))
}

fn gelu_near(g: &mut Graph, x: NodeId, tanh: bool) -> NodeId {
    let inner = if tanh {
        let x2 = g.mul2(x, x);
        let x3 = g.mul2(x2, x);
        let cubic = g.scale(x3, 0.044715);
        let sum = g.add2(x, cubic);
        let scaled = g.scale(sum, (2.0 / std::f64::consts::PI).sqrt());
        g.unary(S::Tanh, scaled)
    } else {
        let scaled = g.scale(x, std::f64::consts::FRAC_1_SQRT_2);
        g.unary(S::Erf, scaled)
    };
    let cdf = g.shift(inner, 1.0);
    let half = g.scale(x, 0.5);
    g.mul2(half, cdf)
}

fn gelu_op(cx: &mut Cx, a: &Args) -> Reported<Value> {
    let tanh = a.choice(cx, "approximate", &["none", "tanh"])? == "tanh";
    float(cx, a, |cx, x| gelu_as(cx, x, tanh))
}

/// `max(x, 0) + log(1 + exp(-|x|))`: the slopes of both parts at 0 add up to one half. `-|x|` is the smaller of x and
/// -x, which has a gradient at NaN.
pub fn softplus(cx: &mut Cx, x: NodeId) -> NodeId {
    let g = &mut cx.g;
    let zero = g.constant(0.0);
    let top = g.binary(S::Max, x, zero);
    let n = g.neg(x);
    let d = g.binary(S::Min, x, n);
    let e = g.unary(S::Exp, d);
    let l = g.unary(S::Log1p, e);
    g.add2(top, l)
}

fn softplus_op(cx: &mut Cx, a: &Args) -> Reported<Value> {
    let (beta, threshold) = (a.real(cx, "beta")?, a.real(cx, "threshold")?);
    float(cx, a, |cx, x| {
        let scaled = match beta.is(1.0) {
            true => x,
            false => cx.g.scale_by(x, &beta),
        };
        let soft = softplus(cx, scaled);
        let soft = if beta.is(1.0) {
            soft
        } else {
            cx.g.scale_by(soft, &beta.inverse())
        };
        let limit = cx.g.real(&threshold);
        let linear = cx.g.binary(S::Gt, scaled, limit);
        cx.g.scalar(S::Where, &[linear, x, soft])
    })
}

fn softmax(cx: &mut Cx, a: &Args, log: bool) -> Reported<Value> {
    let x = a.float(cx, "input")?;
    let dim = a.axis(cx, "dim", &x)?;
    let y = cx.g.push(Softmax { log, dim }, &[x.id], None);
    Ok(cx.tensor(y))
}

/// Zeroes with probability `p` and scales the rest by `1 / (1 - p)`; in evaluation returns `x` itself.
pub fn dropout(cx: &mut Cx, x: NodeId, p: &Real) -> NodeId {
    if !cx.train || p.is(0.0) {
        return x;
    }
    let shape = cx.g.shape(x).clone();
    let keep = draw(cx, p, &shape);
    drop(cx, x, keep, p)
}

/// Booleans, each true with a probability.
fn draw(cx: &mut Cx, p: &Real, shape: &Shape) -> NodeId {
    let keep = p.rest();
    let stream = cx.stream();
    let op = Bernoulli {
        keep,
        stream,
        again: 0,
    };
    cx.g.push(op, &[], Some(shape.clone()))
}

/// Zeroes elements that are not kept, and scales the others.
fn drop(cx: &mut Cx, x: NodeId, keep: NodeId, p: &Real) -> NodeId {
    let scaled = cx.g.scale_by(x, &p.kept_factor());
    let zero = cx.g.constant(0.0);
    cx.g.select(keep, scaled, zero)
}

/// A probability.
pub fn probability(cx: &mut Cx, a: &Args, name: &str) -> Reported<Real> {
    let p = a.real(cx, name)?;
    match &p {
        Real::Known(v) if (0.0..=1.0).contains(v) => return Ok(p),
        Real::Known(_) => {}
        Real::Rust(d) => {
            let why = format!("`{name}` of `{}` is a probability", a.callee);
            cx.probability(d, a.span_of(name), &why);
            return Ok(p);
        }
    }
    Err(cx.error(
        a.span_of(name),
        format!("`{name}` of `{}` must be from 0 to 1, not {p}", a.callee),
    ))
}

/// Whole channels of (N, C, ..) are kept or zeroed.
fn dropout_channels(cx: &mut Cx, a: &Args, rank: usize) -> Reported<Value> {
    let p = probability(cx, a, "p")?;
    let x = a.float(cx, "input")?;
    if rank > 1 {
        // PyTorch takes (N, C, L) here and warns that this will become (C, H, W).
        spatial::batch(cx, (a.span, &a.callee), &x, rank)?;
    }
    let batch = spatial::batch_or_one(cx, (a.span, &a.callee), &x, rank)?;
    if !cx.train || p.is(0.0) {
        return Ok(cx.tensor(x.id));
    }
    let x = &batch.x;
    let shape = cx.shape(x);
    let keep = draw(cx, &p, &shape[..2].to_vec());
    let mut each = shape[..2].to_vec();
    each.resize(shape.len(), crate::dim::Dim::one());
    let keep = cx.g.reshape(keep, &each);
    let keep = cx.g.expand(keep, &shape);
    let y = drop(cx, x.id, keep, &p);
    let y = batch.result(cx, y);
    Ok(cx.tensor(y))
}

fn dropout_op(cx: &mut Cx, a: &Args) -> Reported<Value> {
    let p = probability(cx, a, "p")?;
    float(cx, a, |cx, x| dropout(cx, x, &p))
}
