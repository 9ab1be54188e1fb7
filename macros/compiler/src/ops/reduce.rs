//! Reductions over dimensions, and running sums and products.

use super::ops;
use crate::args::Args;
use crate::cx::Cx;
use crate::diag::Reported;
use crate::dim::{Dim, Shape};
use crate::gradient::count;
use crate::ir::{DType, NodeId, Op, Reduce};
use crate::kinds::arg_reduce::ArgReduce;
use crate::kinds::checked::Integers;
use crate::kinds::cum_prod::CumProd;
use crate::kinds::cum_sum::CumSum;
use crate::kinds::gather::Gather;
use crate::real::Real;
use crate::scalar::Scalar as S;
use crate::value::{Tensor, Value};
use netform_core::Combiner;

ops! {
    "sum" ("input, dim = None, keepdim = false") |cx, a| match whole(cx, a, Reduce::Sum)? {
        Some(y) => Ok(y),
        None => over(cx, a, |cx, x, dims| cx.g.sum(x, dims)),
    };
    "prod" ("input, dim = None, keepdim = false") |cx, a| match whole(cx, a, Reduce::Prod)? {
        Some(y) => Ok(y),
        None => over(cx, a, |cx, x, dims| cx.g.reduce(Reduce::Prod, x, dims)),
    };
    "mean" ("input, dim = None, keepdim = false") |cx, a| over(cx, a, mean);
    "amax" ("input, dim = None, keepdim = false") |cx, a| extreme(cx, a, Reduce::Max);
    "amin" ("input, dim = None, keepdim = false") |cx, a| extreme(cx, a, Reduce::Min);
    "max" ("input, dim = None, keepdim = false") |cx, a| extremum(cx, a, true);
    "min" ("input, dim = None, keepdim = false") |cx, a| extremum(cx, a, false);
    "argmax" ("input, dim = None, keepdim = false") |cx, a| arg_extremum(cx, a, true);
    "argmin" ("input, dim = None, keepdim = false") |cx, a| arg_extremum(cx, a, false);
    "var" ("input, dim = None, correction = 1, keepdim = false, unbiased = true") |cx, a| variance(cx, a, false);
    "std" ("input, dim = None, correction = 1, keepdim = false, unbiased = true") |cx, a| variance(cx, a, true);
    "logsumexp" ("input, dim, keepdim = false") |cx, a| over(cx, a, log_sum_exp);
    "norm" ("input, ord = 2, dim = None, keepdim = false") norm;
    "cumsum" ("input, dim") |cx, a| running(cx, a, Combiner::Sum);
    "cumprod" ("input, dim") |cx, a| running(cx, a, Combiner::Prod);
}

/// A reduction over the argument `dim`, with `keepdim`.
fn over(
    cx: &mut Cx,
    a: &Args,
    f: impl FnOnce(&mut Cx, NodeId, &[usize]) -> NodeId,
) -> Reported<Value> {
    let x = a.float(cx, "input")?;
    let dims = a.axes(cx, "dim", &x)?;
    let y = f(cx, x.id, &dims);
    keepdim(cx, a, &x, &dims, y)
}

/// A reduction of integers or booleans: sums and products are integers, maxima and minima keep the operand's type.
fn whole(cx: &mut Cx, a: &Args, kind: Reduce) -> Reported<Option<Value>> {
    let x = a.tensor(cx, "input")?;
    let dtype = cx.g[x.id].dtype;
    if dtype == DType::Float {
        return Ok(None);
    }
    let dims = a.axes(cx, "dim", &x)?;
    let y = integers(cx, a, &x, kind, &dims);
    keepdim(cx, a, &x, &dims, y).map(Some)
}

fn integers(cx: &mut Cx, a: &Args, x: &Tensor, kind: Reduce, dims: &[usize]) -> NodeId {
    let text = format!("{}({})", a.callee, x.text);
    let dtype = cx.g[x.id].dtype;
    let y = cx.g.cast(x.id, DType::Int);
    let y = cx.reduce_integers(kind, y, dims, &text);
    match kind {
        Reduce::Sum | Reduce::Prod => y,
        _ => cx.g.cast(y, dtype),
    }
}

/// The position of the first largest or smallest element along `dim`, which vanishes.
fn place(cx: &mut Cx, a: &Args, x: NodeId, largest: bool, dim: usize) -> NodeId {
    match cx.g[x].dtype {
        DType::Float => cx.g.push(ArgReduce { largest, dim }, &[x], None),
        _ => {
            let x = cx.g.cast(x, DType::Int);
            cx.place_of_extreme(largest, x, dim, &a.callee)
        }
    }
}

/// The largest or smallest element over the argument `dim`.
fn extreme(cx: &mut Cx, a: &Args, kind: Reduce) -> Reported<Value> {
    let x = a.tensor(cx, "input")?;
    let dims = a.axes(cx, "dim", &x)?;
    some(cx, a, &x, &dims)?;
    if let Some(y) = whole(cx, a, kind)? {
        return Ok(y);
    }
    over(cx, a, |cx, x, dims| cx.g.reduce(kind, x, dims))
}

/// Rejects an empty dimension, as PyTorch does: a maximum needs at least one element.
fn some(cx: &mut Cx, a: &Args, x: &Tensor, dims: &[usize]) -> Reported<()> {
    let shape = cx.shape(x);
    let why = format!("`{}` needs at least one element", a.callee);
    for d in dims {
        if shape[*d].value() == Some(0) {
            let text = format!("{why}, but dimension {d} is empty{}", cx.origin_note(x));
            return Err(cx.error(a.span, text));
        }
        cx.at_least(&shape[*d], &Dim::one(), a.span, &why)?;
    }
    Ok(())
}

fn keepdim(cx: &mut Cx, a: &Args, x: &Tensor, dims: &[usize], y: NodeId) -> Reported<Value> {
    if !a.flag(cx, "keepdim")? {
        return Ok(cx.tensor(y));
    }
    let kept = kept(&cx.shape(x), dims);
    let y = cx.g.reshape(y, &kept);
    Ok(cx.tensor(y))
}

fn kept(shape: &Shape, dims: &[usize]) -> Shape {
    shape
        .iter()
        .enumerate()
        .map(|(i, d)| {
            if dims.contains(&i) {
                Dim::one()
            } else {
                d.clone()
            }
        })
        .collect()
}

fn picked(cx: &Cx, x: NodeId, dims: &[usize]) -> Vec<Dim> {
    dims.iter().map(|d| cx.g.shape(x)[*d].clone()).collect()
}

/// The mean.
pub fn mean(cx: &mut Cx, x: NodeId, dims: &[usize]) -> NodeId {
    let (mut y, runs) = runs(cx, x, dims);
    for run in runs {
        y = cx.g.reduce(Reduce::Mean, y, &run);
    }
    y
}

/// `x` without reduced dimensions of size 1, and the other reduced dimensions in runs of neighbours, the last run
/// first: a mean is reduced one run at a time.
fn runs(cx: &mut Cx, x: NodeId, dims: &[usize]) -> (NodeId, Vec<Vec<usize>>) {
    let (mut shape, mut runs) = (Shape::new(), Vec::<Vec<usize>>::new());
    for (d, size) in cx.g.shape(x).clone().into_iter().enumerate() {
        let over = dims.contains(&d);
        if over && size.is_one() {
            continue;
        }
        let at = shape.len();
        match runs.last_mut() {
            Some(run) if over && run.last() == Some(&at.wrapping_sub(1)) => run.push(at),
            _ if over => runs.push(vec![at]),
            _ => {}
        }
        shape.push(size);
    }
    runs.reverse();
    (cx.g.reshape(x, &shape), runs)
}

/// A mean over dimensions, and `x - mean`. The mean's rounding error is subtracted, too: with a large mean it is as
/// large as the differences between values.
pub fn centred(cx: &mut Cx, x: NodeId, dims: &[usize]) -> (NodeId, NodeId) {
    let (mut y, runs) = runs(cx, x, dims);
    let mut rest = None;
    for run in runs {
        let [mean, lost] = cx.g.mean_and_rest(y, &run);
        let before = rest.map(|r| cx.g.reduce(Reduce::Mean, r, &run));
        rest = Some(before.map_or(lost, |r| cx.g.add2(r, lost)));
        y = mean;
    }
    let shape = cx.g.shape(x).clone();
    let mut d = x;
    for part in std::iter::once(y).chain(rest) {
        let part = cx.g.unreduce(part, dims, &shape);
        d = cx.g.sub2(d, part);
    }
    (y, d)
}

/// Over several dimensions: they are merged first.
fn log_sum_exp(cx: &mut Cx, x: NodeId, dims: &[usize]) -> NodeId {
    let shape = cx.g.shape(x).clone();
    match dims {
        [] => x,
        [dim] => {
            let [log, max] = cx.g.log_sum_exp(x, *dim);
            cx.g.add2(log, max)
        }
        _ => {
            let rest: Vec<usize> = (0..shape.len()).filter(|d| !dims.contains(d)).collect();
            let order: Vec<usize> = rest.iter().chain(dims).copied().collect();
            let x = cx.g.permute(x, &order);
            let mut flat: Shape = rest.iter().map(|d| shape[*d].clone()).collect();
            flat.push(dims.iter().fold(Dim::one(), |n, d| n.mul(&shape[*d])));
            let x = cx.g.reshape(x, &flat);
            log_sum_exp(cx, x, &[rest.len()])
        }
    }
}

/// With `dim` a pair (values, indices); the gradient flows to that one element. Without `dim` the value; ties share its
/// gradient.
fn extremum(cx: &mut Cx, a: &Args, largest: bool) -> Reported<Value> {
    let x = a.tensor(cx, "input")?;
    if matches!(a.value("dim"), Value::Null) {
        let dims: Vec<usize> = (0..cx.g.shape(x.id).len()).collect();
        some(cx, a, &x, &dims)?;
        let kind = if largest { Reduce::Max } else { Reduce::Min };
        let y = match cx.g[x.id].dtype {
            DType::Float => cx.g.reduce(kind, x.id, &dims),
            _ => integers(cx, a, &x, kind, &dims),
        };
        return Ok(cx.tensor(y));
    }
    let dim = a.axis(cx, "dim", &x)?;
    some(cx, a, &x, &[dim])?;
    let index = place(cx, a, x.id, largest, dim);
    let at = cx.g.unsqueeze(index, dim);
    let value = cx.g.push(
        Gather {
            dim,
            what: cx.own_reads(at),
        },
        &[x.id, at],
        None,
    );
    let (value, index) = if a.flag(cx, "keepdim")? {
        (value, at)
    } else {
        let shape = cx.g.shape(index).clone();
        (cx.g.reshape(value, &shape), index)
    };
    Ok(Value::Tuple(vec![cx.tensor(value), cx.tensor(index)]))
}

fn arg_extremum(cx: &mut Cx, a: &Args, largest: bool) -> Reported<Value> {
    let x = a.tensor(cx, "input")?;
    if matches!(a.value("dim"), Value::Null) {
        let shape = cx.shape(&x);
        let dims: Vec<usize> = (0..shape.len()).collect();
        some(cx, a, &x, &dims)?;
        let flat = cx.g.reshape(x.id, &vec![crate::dim::numel(&shape)]);
        let y = place(cx, a, flat, largest, 0);
        return keepdim(cx, a, &x, &dims, y);
    }
    let dim = a.axis(cx, "dim", &x)?;
    some(cx, a, &x, &[dim])?;
    let y = place(cx, a, x.id, largest, dim);
    keepdim(cx, a, &x, &[dim], y)
}

/// Values in units of their row. The unit is 1, which changes no value, unless squares would overflow or vanish.
/// vanish.
pub struct Scaled {
    /// The values divided by their row's unit.
    pub x: NodeId,
    /// 1 / unit of each row.
    pub inverse: NodeId,
    unit: NodeId,
}

/// Values `x` in units of their rows over `dims`; with `small`, also where squares would vanish.
pub fn scaled(cx: &mut Cx, x: NodeId, dims: &[usize], small: bool) -> Scaled {
    let shape = cx.g.shape(x).clone();
    let size = cx.g.unary(S::Abs, x);
    let top = cx.g.reduce(Reduce::Max, size, dims);
    let top = cx.g.push(Op::Detach, &[top], None);
    let low = if small { 2f64.powi(-50) } else { 0.0 };
    let outside = outside(cx, top, low, 2f64.powi(45));
    // The largest value to the power of 5/8: neither sums of squares of the quotients nor products of the unit with
    // gradients leave the range, in any type.
    let root = cx.g.unary(S::Sqrt, top);
    let fourth = cx.g.unary(S::Sqrt, root);
    let eighth = cx.g.unary(S::Sqrt, fourth);
    let between = cx.g.mul2(root, eighth);
    let one = cx.g.constant(1.0);
    let unit = cx.g.select(outside, between, one);
    let inverse = cx.g.unary(S::Recip, unit);
    let each = cx.g.unreduce(inverse, dims, &shape);
    let x = cx.g.mul2(x, each);
    Scaled { x, inverse, unit }
}

/// `d / sqrt(mean(d^2) + eps)` over `dims`.
pub fn over_root_mean_square(cx: &mut Cx, d: NodeId, dims: &[usize], eps: &Real) -> NodeId {
    let shape = cx.g.shape(d).clone();
    // With any larger `eps`, squares that vanish do not matter.
    let scaled = scaled(
        cx,
        d,
        dims,
        eps.known().is_some_and(|eps| eps.abs() < 1e-30),
    );
    let v = mean_square(cx, scaled.x, dims);
    let eps = cx.g.scale_by(scaled.inverse, eps);
    let eps = cx.g.mul2(eps, scaled.inverse);
    let v = cx.g.add2(v, eps);
    let r = cx.g.unary(S::Rsqrt, v);
    let r = cx.g.unreduce(r, dims, &shape);
    cx.g.mul2(scaled.x, r)
}

fn mean_square(cx: &mut Cx, x: NodeId, dims: &[usize]) -> NodeId {
    let x2 = cx.g.mul2(x, x);
    mean(cx, x2, dims)
}

/// `v n / max(n - correction, 0)`, with n the number of values of `d` over `dims`.
fn corrected(cx: &mut Cx, v: NodeId, d: NodeId, dims: &[usize], correction: &Real) -> NodeId {
    if correction.is(0.0) {
        return v;
    }
    let n = picked(cx, d, dims);
    let n = count(&mut cx.g, &n);
    let (less, zero) = (cx.g.shift_by(n, &correction.negative()), cx.g.constant(0.0));
    let less = cx.g.binary(S::Max, less, zero);
    let more = cx.g.div2(n, less);
    cx.g.mul2(v, more)
}

/// The variance of distances `d` from the mean, for which squares may overflow if the variance does not. Its gradient
/// is right as long as it is finite.
pub fn spread(cx: &mut Cx, d: NodeId, dims: &[usize], correction: &Real) -> NodeId {
    let scaled = scaled(cx, d, dims, false);
    let v = mean_square(cx, scaled.x, dims);
    let mut v = corrected(cx, v, d, dims, correction);
    for _ in 0..2 {
        v = cx.g.mul2(v, scaled.unit);
    }
    v
}

/// The same, with the gradient `2 d / n` at any size.
fn var(cx: &mut Cx, d: NodeId, dims: &[usize], correction: &Real) -> NodeId {
    let plain = mean_square(cx, d, dims);
    let plain = corrected(cx, plain, d, dims, correction);
    let v = spread(cx, d, dims, correction);
    // If both are infinite, the first one's gradient is used.
    let end = cx.g.constant(f64::INFINITY);
    let beyond = cx.g.binary(S::Eq, plain, end);
    let held = cx.g.binary(S::Lt, v, end);
    let better = cx.g.scalar(S::And, &[beyond, held]);
    cx.g.scalar(S::Where, &[better, v, plain])
}

fn variance(cx: &mut Cx, a: &Args, root: bool) -> Reported<Value> {
    // The older name of `correction = 0`.
    let correction = match a.flag(cx, "unbiased")? {
        true => a.real(cx, "correction")?,
        false => Real::Known(0.0),
    };
    over(cx, a, |cx, x, dims| {
        let (_, d) = centred(cx, x, dims);
        match root {
            true => deviation(cx, d, dims, &correction),
            false => var(cx, d, dims, &correction),
        }
    })
}

/// The root of the variance of distances `d`.
fn deviation(cx: &mut Cx, d: NodeId, dims: &[usize], correction: &Real) -> NodeId {
    let scaled = scaled(cx, d, dims, true);
    let v = mean_square(cx, scaled.x, dims);
    let v = corrected(cx, v, d, dims, correction);
    let root = safe_sqrt(cx, v);
    cx.g.mul2(root, scaled.unit)
}

/// `sqrt(sum(x^2))`.
fn length(cx: &mut Cx, x: NodeId, dims: &[usize]) -> NodeId {
    let scaled = scaled(cx, x, dims, true);
    let x2 = cx.g.mul2(scaled.x, scaled.x);
    let sum = cx.g.sum(x2, dims);
    let root = safe_sqrt(cx, sum);
    cx.g.mul2(root, scaled.unit)
}

/// `sum(|x|^p)^(1/p)` for any `p`: for 0 the number of elements that are not 0, for infinity the largest `|x|`, for
/// minus infinity the smallest.
fn norm(cx: &mut Cx, a: &Args) -> Reported<Value> {
    let p = a.number(cx, "ord")?;
    if p.is_nan() {
        return Err(cx.error(
            a.span_of("ord"),
            "`ord` of `norm` must be a number, not NaN",
        ));
    }
    if p < 0.0 || p == f64::INFINITY {
        let x = a.float(cx, "input")?;
        let dims = a.axes(cx, "dim", &x)?;
        some(cx, a, &x, &dims)?;
    }
    over(cx, a, |cx, x, dims| {
        if p == 2.0 {
            return length(cx, x, dims);
        }
        let size = cx.g.unary(S::Abs, x);
        if p == 1.0 {
            return cx.g.sum(size, dims);
        }
        if p.is_infinite() {
            let kind = if p > 0.0 { Reduce::Max } else { Reduce::Min };
            return largest(cx, kind, size, dims);
        }
        let zero = cx.g.constant(0.0);
        if p == 0.0 {
            let there = cx.g.binary(S::Ne, x, zero);
            let there = cx.g.cast(there, DType::Float);
            return cx.g.sum(there, dims);
        }
        any_norm(cx, x, p, dims)
    })
}

/// The largest or smallest of `size`; equal elements share the gradient. If one is NaN, no element has a gradient.
fn largest(cx: &mut Cx, kind: Reduce, size: NodeId, dims: &[usize]) -> NodeId {
    let y = cx.g.reduce(kind, size, dims);
    let y = cx.g.push(Op::Detach, &[y], None);
    let number = cx.g.binary(S::Eq, size, size);
    let zero = cx.g.constant(0.0);
    let numbers = cx.g.select(number, size, zero);
    let with_gradient = cx.g.reduce(kind, numbers, dims);
    let number = cx.g.binary(S::Eq, y, y);
    cx.g.scalar(S::Where, &[number, with_gradient, y])
}

/// `sum(|x|^p)^(1/p)` for finite `p`, neither 0 nor 1 nor 2. A norm of 0 has no gradient; for `p` below 1 elements of 0
/// have none.
fn any_norm(cx: &mut Cx, x: NodeId, p: f64, dims: &[usize]) -> NodeId {
    // A product instead of `abs`: its gradients at 0 and at NaN are NaN where the norm is.
    let sign = cx.g.unary(S::Sign, x);
    let size = cx.g.mul2(x, sign);
    if 0.0 < p && p < 1.0 {
        let power = safe_power(cx, size, p);
        let sum = cx.g.sum(power, dims);
        return power_of(cx, sum, 1.0 / p);
    }
    let (size, unit) = in_units(cx, size, p, dims);
    let power = match p > 0.0 {
        true => power_of(cx, size, p),
        false => safe_power(cx, size, p),
    };
    let sum = cx.g.sum(power, dims);
    let root = match p > 0.0 {
        true => safe_power(cx, sum, 1.0 / p),
        false => power_of(cx, sum, 1.0 / p),
    };
    cx.g.mul2(root, unit)
}

/// Sizes in units of their rows, and the units. The sum of powers is about the power of the largest size (for `p` below
/// 0 of the smallest), which may be out of range even if its root is not, and so may slopes: then the unit is near that
/// size, else 1.
fn in_units(cx: &mut Cx, size: NodeId, p: f64, dims: &[usize]) -> (NodeId, NodeId) {
    let shape = cx.g.shape(size).clone();
    let kind = if p > 0.0 { Reduce::Max } else { Reduce::Min };
    let top = cx.g.reduce(kind, size, dims);
    let top = cx.g.push(Op::Detach, &[top], None);
    let limit = 2f64.powf(100.0 / if p > 0.0 { p } else { 1.0 - p });
    let outside = outside(cx, top, 1.0 / limit, limit);
    let near = match p > 0.0 {
        // Not exactly that size, whose products with gradients could leave the range.
        true => power_of(cx, top, 1.0 - 0.8 / (1.0 + p)),
        false => top,
    };
    let one = cx.g.constant(1.0);
    let unit = cx.g.select(outside, near, one);
    let each = cx.g.unreduce(unit, dims, &shape);
    (cx.g.div2(size, each), unit)
}

/// Whether values are positive, finite and outside a range.
fn outside(cx: &mut Cx, x: NodeId, low: f64, high: f64) -> NodeId {
    let compare = |cx: &mut Cx, f, value: f64| {
        let value = cx.g.constant(value);
        cx.g.binary(f, x, value)
    };
    let (above, finite) = (compare(cx, S::Gt, high), compare(cx, S::Lt, f64::INFINITY));
    let above = cx.g.scalar(S::And, &[above, finite]);
    if low <= 0.0 {
        return above;
    }
    let (below, some) = (compare(cx, S::Lt, low), compare(cx, S::Gt, 0.0));
    let below = cx.g.scalar(S::And, &[below, some]);
    cx.g.scalar(S::Or, &[above, below])
}

fn power_of(cx: &mut Cx, x: NodeId, p: f64) -> NodeId {
    let p = cx.g.constant(p);
    cx.g.binary(S::Pow, x, p)
}

/// `x^p` for `x` not below 0, with slope 0 at 0.
fn safe_power(cx: &mut Cx, x: NodeId, p: f64) -> NodeId {
    let (zero, one) = (cx.g.constant(0.0), cx.g.constant(1.0));
    let at_zero = cx.g.constant(if p > 0.0 { 0.0 } else { f64::INFINITY });
    let flat = cx.g.binary(S::Eq, x, zero);
    let safe = cx.g.select(flat, one, x);
    let power = power_of(cx, safe, p);
    // Its gradient is 0 times the incoming one, which may be NaN.
    let nothing = cx.g.mul2(x, zero);
    let nothing = cx.g.add2(nothing, at_zero);
    cx.g.scalar(S::Where, &[flat, nothing, power])
}

/// A square root whose gradient at 0 is 0, as in PyTorch's `norm` and `std`.
fn safe_sqrt(cx: &mut Cx, x: NodeId) -> NodeId {
    let (zero, one) = (cx.g.constant(0.0), cx.g.constant(1.0));
    let flat = cx.g.binary(S::Eq, x, zero);
    let safe = cx.g.select(flat, one, x);
    let root = cx.g.unary(S::Sqrt, safe);
    cx.g.select(flat, zero, root)
}

/// Running sums or products along the argument `dim`.
fn running(cx: &mut Cx, a: &Args, how: Combiner) -> Reported<Value> {
    let x = a.tensor(cx, "input")?;
    let dim = a.axis(cx, "dim", &x)?;
    if cx.g[x.id].dtype != DType::Float {
        let text = format!("{}({})", a.callee, x.text);
        let size = cx.shape(&x)[dim].clone();
        let y = cx.g.cast(x.id, DType::Int);
        let range = cx.range_along(how, y, &size);
        let y = cx.checked(Integers::Running { how, dim }, &[y], range, &text);
        return Ok(cx.tensor(y));
    }
    let reverse = false;
    let y = match how {
        Combiner::Prod => cx.g.push(CumProd { dim }, &[x.id], None),
        _ => cx.g.push(CumSum { dim, reverse }, &[x.id], None),
    };
    Ok(cx.tensor(y))
}
