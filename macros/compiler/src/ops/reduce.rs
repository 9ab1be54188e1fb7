//! Reductions over dimensions, and running sums.

use super::ops;
use crate::args::Args;
use crate::cx::Cx;
use crate::diag::Told;
use crate::dim::{Dim, Shape};
use crate::gradient::count;
use crate::ir::{NodeId, Op, Reduce};
use crate::scalar::Scalar as S;
use crate::value::{Tensor, Value};

ops! {
    "sum" ("input, dim = None, keepdim = false") |cx, a| over(cx, a, |cx, x, dims| cx.g.sum(x, dims));
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

/// The largest or smallest over the argument `dim`.
fn extreme(cx: &mut Cx, a: &Args, kind: Reduce) -> Told<Value> {
    let x = a.float(cx, "input")?;
    let dims = a.axes(cx, "dim", &x)?;
    some(cx, a, &x, &dims)?;
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

/// The sum, divided by the number of elements.
pub fn mean(cx: &mut Cx, x: NodeId, dims: &[usize]) -> NodeId {
    let n = picked(cx, x, dims);
    let n = count(&mut cx.g, &n);
    let sum = cx.g.sum(x, dims);
    cx.g.div2(sum, n)
}

/// Of several dimensions: they are brought together first.
fn log_sum_exp(cx: &mut Cx, x: NodeId, dims: &[usize]) -> NodeId {
    let shape = cx.g.shape(x).clone();
    match dims {
        [] => x,
        [dim] => cx.g.push(Op::LogSumExp { dim: *dim }, &[x], None),
        _ => {
            let rest: Vec<usize> = (0..shape.len()).filter(|d| !dims.contains(d)).collect();
            let order: Vec<usize> = rest.iter().chain(dims).copied().collect();
            let x = cx.g.permute(x, &order);
            let mut flat: Shape = rest.iter().map(|d| shape[*d].clone()).collect();
            flat.push(dims.iter().fold(Dim::one(), |n, d| n.mul(&shape[*d])));
            let x = cx.g.reshape(x, &flat);
            cx.g.push(Op::LogSumExp { dim: rest.len() }, &[x], None)
        }
    }
}

/// With `dim` a pair (values, indices); the gradient flows to that one element. Without, the value,
/// whose ties share the gradient.
fn extremum(cx: &mut Cx, a: &Args, largest: bool) -> Told<Value> {
    let x = a.float(cx, "input")?;
    if matches!(a.value("dim"), Value::Null) {
        let dims: Vec<usize> = (0..cx.g.shape(x.id).len()).collect();
        some(cx, a, &x, &dims)?;
        let kind = if largest { Reduce::Max } else { Reduce::Min };
        let y = cx.g.reduce(kind, x.id, &dims);
        return Ok(cx.tensor(y));
    }
    let dim = a.axis(cx, "dim", &x)?;
    some(cx, a, &x, &[dim])?;
    let index = cx.g.push(Op::ArgReduce { largest, dim }, &[x.id], None);
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
    let x = a.float(cx, "input")?;
    if matches!(a.value("dim"), Value::Null) {
        let shape = cx.shape(&x);
        let dims: Vec<usize> = (0..shape.len()).collect();
        some(cx, a, &x, &dims)?;
        let flat = cx.g.reshape(x.id, &vec![crate::dim::numel(&shape)]);
        let y = cx.g.push(Op::ArgReduce { largest, dim: 0 }, &[flat], None);
        return keepdim(cx, a, &x, &dims, y);
    }
    let dim = a.axis(cx, "dim", &x)?;
    some(cx, a, &x, &[dim])?;
    let y = cx.g.push(Op::ArgReduce { largest, dim }, &[x.id], None);
    keepdim(cx, a, &x, &[dim], y)
}

/// `sum((x - mean)^2) / (n - correction)`.
pub fn var(cx: &mut Cx, x: NodeId, dims: &[usize], correction: f64) -> NodeId {
    let shape = cx.g.shape(x).clone();
    let centre = mean(cx, x, dims);
    let centre = cx.g.unreduce(centre, dims, &shape);
    let d = cx.g.sub2(x, centre);
    let d2 = cx.g.mul2(d, d);
    let sum = cx.g.sum(d2, dims);
    let n = picked(cx, x, dims);
    let n = count(&mut cx.g, &n);
    let n = cx.g.shift(n, -correction);
    cx.g.div2(sum, n)
}

fn variance(cx: &mut Cx, a: &Args, root: bool) -> Told<Value> {
    let correction = a.number(cx, "correction")?;
    over(cx, a, |cx, x, dims| {
        let v = var(cx, x, dims, correction);
        if root { safe_sqrt(cx, v) } else { v }
    })
}

fn norm(cx: &mut Cx, a: &Args) -> Told<Value> {
    let ord = a.number(cx, "ord")?;
    if ord != 1.0 && ord != 2.0 {
        return Err(cx.error(
            a.span_of("ord"),
            format!("`ord` of `norm` is 1 or 2, not {ord}"),
        ));
    }
    over(cx, a, |cx, x, dims| {
        if ord == 1.0 {
            let x = cx.g.unary(S::Abs, x);
            return cx.g.sum(x, dims);
        }
        let x2 = cx.g.mul2(x, x);
        let sum = cx.g.sum(x2, dims);
        safe_sqrt(cx, sum)
    })
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
    let x = a.float(cx, "input")?;
    let dim = a.axis(cx, "dim", &x)?;
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
