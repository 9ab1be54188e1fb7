//! Pools whose windows follow from the output size: window i of n over a dimension of size s goes from `floor(i s / n)`
//! to `ceil((i + 1) s / n)`.

use super::pool::{largest, tiled_positions};
use super::slice::slice_dim;
use super::spatial;
use super::{ops, reduce::mean};
use crate::args::Args;
use crate::cx::Cx;
use crate::diag::Reported;
use crate::dim::{Dim, Shape, numel};
use crate::ir::{DType, Graph, NodeId};
use crate::kinds::arg_reduce::ArgReduce;
use crate::kinds::concat::Concat;
use crate::kinds::flip::Flip;
use crate::kinds::gather::Gather;
use crate::kinds::take::Take;
use crate::scalar::Scalar as S;
use crate::value::{Tensor, Value};

ops! {
    "adaptive_avg_pool1d" ("input, output_size") |cx, a| adaptive_avg(cx, a, 1);
    "adaptive_avg_pool2d" ("input, output_size") |cx, a| adaptive_avg(cx, a, 2);
    "adaptive_max_pool1d" ("input, output_size, return_indices = false") |cx, a| adaptive_max(cx, a, 1);
    "adaptive_max_pool2d" ("input, output_size, return_indices = false") |cx, a| adaptive_max(cx, a, 2);
}

/// The output sizes; `None` means the input's size.
fn output(cx: &mut Cx, a: &Args, x: &Tensor, rank: usize) -> Reported<Vec<Dim>> {
    for d in 2..rank + 2 {
        spatial::filled(cx, (a.span, &a.callee), x, d)?;
    }
    let shape = cx.shape(x);
    if let Value::List(items) | Value::Tuple(items) = a.value("output_size")
        && items.len() == rank
        && items.iter().any(|i| matches!(i, Value::Null))
    {
        let size = |(d, item): (usize, &Value)| match item {
            Value::Null => Ok(shape[2 + d].clone()),
            item => item.as_dim().ok_or_else(|| {
                let text = format!(
                    "an item of `output_size` of `{}` must be a size or `None`, not {}",
                    a.callee,
                    item.shown()
                );
                cx.error(a.span_of("output_size"), text)
            }),
        };
        return items.iter().enumerate().map(size).collect();
    }
    spatial::sizes(cx, a, "output_size", rank)
}

fn adaptive_avg(cx: &mut Cx, a: &Args, rank: usize) -> Reported<Value> {
    let given = a.float(cx, "input")?;
    let batch = spatial::batch_or_one(cx, (a.span, &a.callee), &given, rank)?;
    let sizes = output(cx, a, &batch.x, rank)?;
    let y = means(cx, batch.x.id, &sizes);
    let y = batch.result(cx, y);
    Ok(cx.tensor(y))
}

/// The mean under each window; `sizes` are the numbers of windows along the dimensions after the channels.
pub fn means(cx: &mut Cx, x: NodeId, sizes: &[Dim]) -> NodeId {
    let mut shape = cx.g.shape(x).clone();
    if sizes.iter().all(Dim::is_one) {
        let dims: Vec<usize> = (2..shape.len()).collect();
        let y = mean(cx, x, &dims);
        shape.truncate(2);
        shape.resize(2 + sizes.len(), Dim::one());
        return cx.g.reshape(y, &shape);
    }
    let mut y = x;
    for (d, n) in sizes.iter().enumerate() {
        let size = shape[2 + d].clone();
        if *n == size {
            continue;
        }
        shape[2 + d] = n.clone();
        y = match size.div_exact(n) {
            // Windows of one size, side by side.
            Some(each) => {
                let mut split = cx.g.shape(y).clone();
                split[2 + d] = n.clone();
                split.insert(3 + d, each);
                let parts = cx.g.reshape(y, &split);
                mean(cx, parts, &[3 + d])
            }
            None => uneven(cx, y, 2 + d, n),
        };
    }
    y
}

/// The mean under each of `n` windows of unequal size along `dim`. It sums the first elements of all windows, then the
/// second, and so on, leaving out elements after their window's end.
fn uneven(cx: &mut Cx, x: NodeId, dim: usize, n: &Dim) -> NodeId {
    let what = cx.own_reads(x);
    let g = &mut cx.g;
    let size = g.shape(x)[dim].clone();
    let places = vec![longest(n, &size), n.clone()];
    let (low, _) = ends(g, &places, 1, &size);
    let at = g.iota(&places, 0);
    let at = g.cast(at, DType::Float);
    let at = g.add2(low, at);
    let last = g.size(&size.sub(&Dim::one()));
    let at = g.binary(S::Min, at, last);
    let at = g.cast(at, DType::Int);
    let at = g.reshape(at, &vec![numel(&places)]);
    let x = g.push(Take { dim, what }, &[x, at], None);
    let mut shape = g.shape(x).clone();
    shape.splice(dim..=dim, places);
    let x = g.reshape(x, &shape);
    // The same for every sequence or image.
    let (low, high) = ends(g, &shape[dim + 1..].to_vec(), 0, &size);
    let cells = g.sub2(high, low);
    let wanted = g.expand(cells, &shape);
    let k = g.iota(&shape, dim);
    let k = g.cast(k, DType::Float);
    let inside = g.scalar(S::Lt, &[k, wanted]);
    let zero = g.constant(0.0);
    let x = g.select(inside, x, zero);
    let sum = g.sum(x, &[dim]);
    g.div2(sum, cells)
}

/// The size of the longest window, or one more.
fn longest(n: &Dim, size: &Dim) -> Dim {
    let more = match (n.value(), size.value()) {
        // With r = size % n, a window is r / n of an element longer than whole ones. If r divides n, it touches only
        // one more element.
        (Some(n), Some(size)) if n % (size % n) == 0 => 1,
        _ => 2,
    };
    size.div_floor(n).add(&Dim::from(more))
}

/// The starts and ends of the windows along dimension `d` of a shape, in an input of this size, as whole floats.
fn ends(g: &mut Graph, shape: &Shape, d: usize, size: &Dim) -> (NodeId, NodeId) {
    let i = g.iota(shape, d);
    let i = g.cast(i, DType::Float);
    let (n, size) = (g.size(&shape[d]), g.size(size));
    // Half an element keeps quotients away from whole numbers, where rounding would change the result.
    let low = g.mul2(i, size);
    let high = g.add2(low, size);
    let low = g.shift(low, 0.5);
    let low = g.div2(low, n);
    let low = g.unary(S::Floor, low);
    let high = g.shift(high, -0.5);
    let high = g.div2(high, n);
    let high = g.unary(S::Ceil, high);
    (low, high)
}

fn adaptive_max(cx: &mut Cx, a: &Args, rank: usize) -> Reported<Value> {
    let given = a.float(cx, "input")?;
    let batch = spatial::batch_or_one(cx, (a.span, &a.callee), &given, rank)?;
    let x = &batch.x;
    let sizes = output(cx, a, x, rank)?;
    let shape = cx.shape(x);
    let each: Option<Vec<Dim>> = (sizes.iter().zip(&shape[2..]))
        .map(|(n, size)| size.div_exact(n).filter(|each| each.names().is_empty()))
        .collect();
    let index = match each {
        Some(each) => tiled_positions(cx, x.id, &sizes, &each),
        None => positions(cx, a, x, &sizes)?,
    };
    largest(cx, a, &batch, index)
}

/// Flat positions of the maxima: one dimension after the other, the last first, so that the first of equal elements
/// wins.
fn positions(cx: &mut Cx, a: &Args, x: &Tensor, sizes: &[Dim]) -> Reported<NodeId> {
    let mut values = x.clone();
    let mut index: Option<NodeId> = None;
    for (d, n) in sizes.iter().enumerate().rev() {
        let dim = 2 + d;
        let here = best(cx, a, &values, dim, n)?;
        let gather = |cx: &mut Cx, v: NodeId| {
            let what = cx.own_reads(here);
            cx.g.push(Gather { dim, what }, &[v, here], None)
        };
        values.id = gather(cx, values.id);
        index = Some(match index {
            None => here,
            // A row's position, and the position within it.
            Some(columns) => {
                let columns = gather(cx, columns);
                let width = cx.shape(x)[dim + 1].clone();
                let width = cx.g.size(&width);
                let width = cx.g.cast(width, DType::Int);
                let start = cx.g.mul2(here, width);
                cx.g.add2(start, columns)
            }
        });
    }
    index.ok_or_else(|| cx.error(a.span, "a pool needs a dimension to go over"))
}

/// The position of the largest element along `dim`, in each of `n` windows.
fn best(cx: &mut Cx, a: &Args, x: &Tensor, dim: usize, n: &Dim) -> Reported<NodeId> {
    let Some(count) = n.value() else {
        let known = match n.names().is_empty() {
            true => "known only to rustc",
            false => "known only at the call",
        };
        let text = format!(
            "`{0}` needs an input size, {1}, that is a multiple of the output size, {n}{2}\nnote: the macro cannot prove this, because {n} is {known}\nhelp: write a number for `output_size`, or declare the size of the input as a multiple of it, such as `2 * {n}`",
            a.callee,
            cx.shape(x)[dim],
            cx.origin_note(x)
        );
        return Err(cx.error(a.span_of("output_size"), text));
    };
    let size = cx.shape(x)[dim].clone();
    let mut parts = Vec::new();
    for i in 0..count {
        let from = size.mul(&Dim::from(i)).div_floor(n);
        let to = size.mul(&Dim::from(i + 1)).add(&Dim::from(count - 1));
        let to = to.div_floor(n);
        let ends = (&Value::Dim(from.clone()), &Value::Dim(to));
        let window = slice_dim(cx, a.span, x, dim, ends, 1)?;
        let at = first_largest(cx, window, dim);
        let first = cx.g.size(&from);
        let first = cx.g.cast(first, DType::Int);
        parts.push(cx.g.add2(at, first));
    }
    Ok(match parts.as_slice() {
        [only] => *only,
        _ => cx.g.push(Concat { dim }, &parts, None),
    })
}

/// The position of the first largest element along `dim`, whose size becomes 1; of several NaNs the last.
fn first_largest(cx: &mut Cx, x: NodeId, dim: usize) -> NodeId {
    let place = |cx: &mut Cx, x: NodeId| {
        let op = ArgReduce { largest: true, dim };
        let at = cx.g.push(op, &[x], None);
        cx.g.unsqueeze(at, dim)
    };
    let at = place(cx, x);
    let back = cx.g.push(Flip { dims: vec![dim] }, &[x], None);
    let back = place(cx, back);
    let last = cx.g.shape(x)[dim].sub(&Dim::one());
    let last = cx.g.size(&last);
    let last = cx.g.cast(last, DType::Int);
    let back = cx.g.sub2(last, back);
    let what = cx.own_reads(at);
    let top = cx.g.push(Gather { dim, what }, &[x, at], None);
    let number = cx.g.binary(S::Eq, top, top);
    cx.g.scalar(S::Where, &[number, at, back])
}
