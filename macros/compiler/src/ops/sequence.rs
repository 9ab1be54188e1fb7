//! Sequences of different lengths in one batch (B, T, ..): a mask of their elements, and pooling over these elements
//! alone. A length above T is taken as T.

use super::ops;
use crate::args::Args;
use crate::cx::Cx;
use crate::diag::Reported;
use crate::dim::{Dim, Shape};
use crate::ir::{DType, NodeId, Reduce};
use crate::scalar::Scalar as S;
use crate::value::{Tensor, Value};

ops! {
    "sequence_mask" ("lengths, maxlen") sequence_mask;
    "sequence_mean" ("input, lengths") |cx, a| pooled(cx, a, Pool::Mean);
    "sequence_max" ("input, lengths") |cx, a| pooled(cx, a, Pool::Max);
}

#[derive(Clone, Copy, PartialEq, Eq)]
enum Pool {
    Mean,
    Max,
}

/// `mask[b, t] = t < lengths[b]`, (B, T).
pub fn mask(cx: &mut Cx, lengths: NodeId, t: &Dim) -> NodeId {
    let mut shape = cx.g.shape(lengths).clone();
    shape.push(t.clone());
    let last = cx.g.unsqueeze(lengths, shape.len() - 1);
    let ends = cx.g.expand(last, &shape);
    let position = cx.g.iota(&shape, shape.len() - 1);
    cx.g.scalar(S::Lt, &[position, ends])
}

fn sequence_mask(cx: &mut Cx, a: &Args) -> Reported<Value> {
    let lengths = a.tensor(cx, "lengths")?;
    let t = a.dim(cx, "maxlen")?;
    let mask = mask(cx, lengths.id, &t);
    Ok(cx.tensor(mask))
}

/// Over T of (B, T, ..). The mean of no elements is 0, their maximum -inf.
fn pooled(cx: &mut Cx, a: &Args, pool: Pool) -> Reported<Value> {
    let (x, lengths) = (a.float(cx, "input")?, a.tensor(cx, "lengths")?);
    let shape = cx.shape(&x);
    if shape.len() < 2 || !cx.same_shape(&cx.shape(&lengths), &shape[..1]) {
        let (at, mistake) = match shape.len() {
            0 | 1 => (
                "input",
                format!(
                    "`{}` takes sequences [B, T, ..], but `{}` has {}",
                    a.callee,
                    x.text,
                    crate::args::count(shape.len(), "dimension")
                ),
            ),
            _ => (
                "lengths",
                format!(
                    "`lengths` of `{}` must be integers [{}], one for each sequence, but is {}",
                    a.callee,
                    shape[0],
                    cx.typed(lengths.id)
                ),
            ),
        };
        let text = format!(
            "{mistake}{}{}",
            cx.origin_note(&x),
            cx.origin_note(&lengths)
        );
        return Err(cx.error(a.span_of(at), text));
    }
    let mut there = mask(cx, lengths.id, &shape[1]);
    for d in 2..shape.len() {
        there = cx.g.unsqueeze(there, d);
    }
    let there = cx.g.expand(there, &shape);
    let filling = cx.g.constant(match pool {
        Pool::Mean => 0.0,
        Pool::Max => f64::NEG_INFINITY,
    });
    let kept = cx.g.select(there, x.id, filling);
    if pool == Pool::Max {
        let y = maximum(cx, &x, there, kept, lengths.id);
        return Ok(cx.tensor(y));
    }
    let sum = cx.g.sum(kept, &[1]);
    let count = counts(cx, &shape, lengths.id);
    let y = cx.g.div2(sum, count);
    Ok(cx.tensor(y))
}

/// The number of elements of each sequence of a shape (B, T, ..), at least 1, as (B, ..).
fn counts(cx: &mut Cx, shape: &Shape, lengths: NodeId) -> NodeId {
    let count = cx.g.cast(lengths, DType::Float);
    let (one, all) = (cx.g.constant(1.0), cx.g.size(&shape[1]));
    let count = cx.g.binary(S::Min, count, all);
    let mut count = cx.g.binary(S::Max, count, one);
    for d in 1..shape.len() - 1 {
        count = cx.g.unsqueeze(count, d);
    }
    count
}

/// The maximum of `kept`, in which padding is -inf. If all elements of a sequence are -inf, it takes their mean
/// instead, which is -inf, too: its gradient reaches only these elements, but the maximum's would also reach the
/// padding.
fn maximum(cx: &mut Cx, x: &Tensor, there: NodeId, kept: NodeId, lengths: NodeId) -> NodeId {
    let shape = cx.shape(x);
    let y = cx.g.reduce(Reduce::Max, kept, &[1]);
    let (zero, low) = (cx.g.constant(0.0), cx.g.constant(f64::NEG_INFINITY));
    let own = cx.g.select(there, x.id, zero);
    let sum = cx.g.sum(own, &[1]);
    let count = counts(cx, &shape, lengths);
    let mean = cx.g.div2(sum, count);
    let [lowest, some] = [y, mean].map(|v| cx.g.binary(S::Eq, v, low));
    let lowest = cx.g.scalar(S::And, &[lowest, some]);
    cx.g.scalar(S::Where, &[lowest, mean, y])
}
