//! Reductions over dimensions, and running sums.

use super::ops;
use crate::args::Args;
use crate::cx::Cx;
use crate::diag::Told;
use crate::dim::{Dim, Shape};
use crate::gradient::count;
use crate::ir::{DType, Integers, NodeId, Op, Reduce};
use crate::scalar::Scalar as S;
use crate::value::{Tensor, Value};

ops! {
    "sum" ("input, dim = None, keepdim = false") |cx, a| match whole(cx, a, Reduce::Sum)? {
        Some(y) => Ok(y),
        None => over(cx, a, |cx, x, dims| cx.g.sum(x, dims)),
    };
    "mean" ("input, dim = None, keepdim = false") |cx, a| over(cx, a, mean);
    "amax" ("input, dim = None, keepdim = false") |cx, a| extreme(cx, a, Reduce::Max);
    "amin" ("input, dim = None, keepdim = false") |cx, a| extreme(cx, a, Reduce::Min);
    "max" ("input, dim = None, keepdim = false") |cx, a| extremum(cx, a, true);
    "min" ("input, dim = None, keepdim = false") |cx, a| extremum(cx, a, false);
    "argmax" ("input, dim = None, keepdim = false") |cx, a| arg_extremum(cx, a, true);
    "argmin" ("input, dim = None, keepdim = false") |cx, a| arg_extremum(cx, a, false);
    "var" ("input, dim = None, correction = 1, keepdim = false") |cx, a| variance(cx, a, false);
    "std" ("input, dim = None, correction = 1, keepdim = false") |cx, a| variance(cx, a, true);
    "logsumexp" ("input, dim, keepdim = false") |cx, a| over(cx, a, log_sum_exp);
    "norm" ("input, ord = 2, dim = None, keepdim = false") norm;
    "cumsum" ("input, dim") cumsum;
}

/// A reduction over the argument `dim`, with `keepdim`.
fn over(cx: &mut Cx, a: &Args, f: impl FnOnce(&mut Cx, NodeId, &[usize]) -> NodeId) -> Told<Value> {
    let x = a.float(cx, "input")?;
    let dims = a.axes(cx, "dim", &x)?;
    let y = f(cx, x.id, &dims);
    keepdim(cx, a, &x, &dims, y)
}

/// A reduction of integers or booleans: sums are integers, extremes of what they are taken of.
fn whole(cx: &mut Cx, a: &Args, kind: Reduce) -> Told<Option<Value>> {
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
        Reduce::Sum => y,
        _ => cx.g.cast(y, dtype),
    }
}

/// The position of the first largest or smallest along `dim`, which vanishes.
fn place(cx: &mut Cx, a: &Args, x: NodeId, largest: bool, dim: usize) -> NodeId {
    match cx.g[x].dtype {
        DType::Float => cx.g.push(Op::ArgReduce { largest, dim }, &[x], None),
        _ => {
            let x = cx.g.cast(x, DType::Int);
            cx.place_of_extreme(largest, x, dim, &a.callee)
        }
    }
}

/// The largest or smallest over the argument `dim`.
fn extreme(cx: &mut Cx, a: &Args, kind: Reduce) -> Told<Value> {
    let x = a.tensor(cx, "input")?;
    let dims = a.axes(cx, "dim", &x)?;
    some(cx, a, &x, &dims)?;
    if let Some(y) = whole(cx, a, kind)? {
        return Ok(y);
    }
    over(cx, a, |cx, x, dims| cx.g.reduce(kind, x, dims))
}

/// What is largest or smallest is one of at least one: of nothing it is PyTorch's error.
fn some(cx: &mut Cx, a: &Args, x: &Tensor, dims: &[usize]) -> Told<()> {
    let shape = cx.shape(x);
    let why = format!("`{}` takes one of at least one element", a.callee);
    for d in dims {
        if shape[*d].value() == Some(0) {
            let text = format!("{why}, and dimension {d} has none{}", cx.whence(x));
            return Err(cx.error(a.span, text));
        }
        cx.at_least(&shape[*d], &Dim::one(), a.span, &why)?;
    }
    Ok(())
}

fn keepdim(cx: &mut Cx, a: &Args, x: &Tensor, dims: &[usize], y: NodeId) -> Told<Value> {
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

/// `x` without those of the dimensions that are of size 1, and the others in runs of neighbours, the
/// last run first: a mean is reduced one run at a time.
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

/// A mean over dimensions, and `x - mean`. What rounding took from the mean is taken away too: beside a
/// large mean it is as much as values differ by.
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

/// Of several dimensions: they are brought together first.
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

/// With `dim` a pair (values, indices); the gradient flows to that one element. Without, the value,
/// whose ties share the gradient.
fn extremum(cx: &mut Cx, a: &Args, largest: bool) -> Told<Value> {
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
        Op::Gather {
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

fn arg_extremum(cx: &mut Cx, a: &Args, largest: bool) -> Told<Value> {
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

/// `mean(d^2)`, times `n / (n - correction)`, of distances `d` from the mean.
pub fn var(cx: &mut Cx, d: NodeId, dims: &[usize], correction: f64) -> NodeId {
    let d2 = cx.g.mul2(d, d);
    let v = mean(cx, d2, dims);
    if correction == 0.0 {
        return v;
    }
    let n = picked(cx, d, dims);
    let n = count(&mut cx.g, &n);
    let less = cx.g.shift(n, -correction);
    let more = cx.g.div2(n, less);
    cx.g.mul2(v, more)
}

fn variance(cx: &mut Cx, a: &Args, root: bool) -> Told<Value> {
    let correction = a.number(cx, "correction")?;
    over(cx, a, |cx, x, dims| {
        let (_, d) = centred(cx, x, dims);
        match root {
            true => deviation(cx, d, dims, correction),
            false => var(cx, d, dims, correction),
        }
    })
}

/// The root of the variance of distances `d` in units of the largest of them, so that squares neither
/// overflow nor vanish.
fn deviation(cx: &mut Cx, d: NodeId, dims: &[usize], correction: f64) -> NodeId {
    let shape = cx.g.shape(d).clone();
    let size = cx.g.unary(S::Abs, d);
    let unit = cx.g.reduce(Reduce::Max, size, dims);
    let unit = cx.g.push(Op::Detach, &[unit], None);
    let (zero, one) = (cx.g.constant(0.0), cx.g.constant(1.0));
    let some = cx.g.binary(S::Gt, unit, zero);
    let unit = cx.g.select(some, unit, one);
    let each = cx.g.unreduce(unit, dims, &shape);
    let d = cx.g.div2(d, each);
    let v = var(cx, d, dims, correction);
    let root = safe_sqrt(cx, v);
    cx.g.mul2(root, unit)
}

/// `sum(|x|^p)^(1/p)` for any `p`: of 0 the number of elements that are not 0, of infinity the largest
/// `|x|`, of minus infinity the smallest.
fn norm(cx: &mut Cx, a: &Args) -> Told<Value> {
    let p = a.number(cx, "ord")?;
    if p.is_nan() {
        return Err(cx.error(a.span_of("ord"), "`ord` of `norm` is a number, not NaN"));
    }
    if p < 0.0 || p == f64::INFINITY {
        let x = a.float(cx, "input")?;
        let dims = a.axes(cx, "dim", &x)?;
        some(cx, a, &x, &dims)?;
    }
    over(cx, a, |cx, x, dims| {
        if p == 2.0 {
            let x2 = cx.g.mul2(x, x);
            let sum = cx.g.sum(x2, dims);
            return safe_sqrt(cx, sum);
        }
        let size = cx.g.unary(S::Abs, x);
        if p == 1.0 {
            return cx.g.sum(size, dims);
        }
        // Of equal ones each has its share of the gradient.
        if p.is_infinite() {
            let kind = if p > 0.0 { Reduce::Max } else { Reduce::Min };
            return cx.g.reduce(kind, size, dims);
        }
        let zero = cx.g.constant(0.0);
        if p == 0.0 {
            let there = cx.g.binary(S::Ne, x, zero);
            let there = cx.g.cast(there, DType::Float);
            return cx.g.sum(there, dims);
        }
        // What is 0 has no gradient, a norm of 0 neither.
        let power = safe_power(cx, size, p);
        let sum = cx.g.sum(power, dims);
        safe_power(cx, sum, 1.0 / p)
    })
}

/// `x^p` of `x` not below 0, whose gradient at 0 is 0.
fn safe_power(cx: &mut Cx, x: NodeId, p: f64) -> NodeId {
    let (zero, one, exponent) = (cx.g.constant(0.0), cx.g.constant(1.0), cx.g.constant(p));
    let at_zero = cx.g.constant(if p > 0.0 { 0.0 } else { f64::INFINITY });
    let flat = cx.g.binary(S::Eq, x, zero);
    let safe = cx.g.select(flat, one, x);
    let power = cx.g.binary(S::Pow, safe, exponent);
    cx.g.select(flat, at_zero, power)
}

/// A square root whose gradient at 0 is 0, as PyTorch has it for `norm` and `std`.
fn safe_sqrt(cx: &mut Cx, x: NodeId) -> NodeId {
    let (zero, one) = (cx.g.constant(0.0), cx.g.constant(1.0));
    let flat = cx.g.binary(S::Eq, x, zero);
    let safe = cx.g.select(flat, one, x);
    let root = cx.g.unary(S::Sqrt, safe);
    cx.g.select(flat, zero, root)
}

fn cumsum(cx: &mut Cx, a: &Args) -> Told<Value> {
    let x = a.tensor(cx, "input")?;
    let dim = a.axis(cx, "dim", &x)?;
    if cx.g[x.id].dtype != DType::Float {
        let unsigned = cx.range(x.id).0 >= 0;
        let text = format!("{}({})", a.callee, x.text);
        let y = cx.g.cast(x.id, DType::Int);
        let y = cx.checked(Integers::CumSum { dim }, &[y], unsigned, &text);
        return Ok(cx.tensor(y));
    }
    let y = cx.g.push(
        Op::CumSum {
            dim,
            reverse: false,
        },
        &[x.id],
        None,
    );
    Ok(cx.tensor(y))
}
