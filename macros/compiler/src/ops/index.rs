//! Reads at positions held as data.

use super::ops;
use crate::args::{Args, several};
use crate::cx::Cx;
use crate::diag::Reported;
use crate::dim::{Dim, numel, show_shape};
use crate::ir::{DType, NodeId, Op, Reads};
use crate::kinds::gather::Gather;
use crate::kinds::put::Put;
use crate::kinds::take::Take;
use crate::scalar::Scalar as S;
use crate::takes::{conversion_help, named};
use crate::value::{Tensor, Value};
use proc_macro2::Span;

ops! {
    "gather" ("input, dim, index") gather;
    "index_select" ("input, dim, index") index_select;
    "index_copy" ("input, dim, index, source") index_copy;
    "embedding" ("input, weight, padding_idx = None") embedding_op;
    "one_hot" ("input, num_classes") one_hot;
}

fn gather(cx: &mut Cx, a: &Args) -> Reported<Value> {
    let x = a.tensor(cx, "input")?;
    let dim = a.axis(cx, "dim", &x)?;
    let index = a.tensor(cx, "index")?;
    let (shape, at) = (cx.shape(&x), cx.shape(&index));
    if shape.len() != at.len() {
        let text = format!(
            "`index` of `gather` must have {}, like `{}`, not {}{}{}",
            crate::args::count(shape.len(), "dimension"),
            x.text,
            at.len(),
            cx.origin_note(&x),
            cx.origin_note(&index)
        );
        return Err(cx.error(a.span_of("index"), text));
    }
    // If the index is smaller, only the first elements are read.
    let mut size = shape.clone();
    for d in (0..at.len()).filter(|d| *d != dim) {
        let why = format!(
            "`index` of `gather` must not be larger than `{}`, except in dimension {dim}",
            x.text
        );
        cx.at_least(&shape[d], &at[d], a.span_of("index"), &why)?;
        size[d] = at[d].clone();
    }
    let mut x = x;
    if size != shape {
        let start = vec![Dim::from(0); size.len()];
        let step = vec![1; size.len()];
        x.id = cx.g.push(Op::Slice { start, step }, &[x.id], Some(size));
    }
    let y = cx.g.push(
        Gather {
            dim,
            what: cx.reads(&index),
        },
        &[x.id, index.id],
        None,
    );
    Ok(cx.tensor(y))
}

fn index_select(cx: &mut Cx, a: &Args) -> Reported<Value> {
    let x = a.tensor(cx, "input")?;
    let dim = a.axis(cx, "dim", &x)?;
    let index = a.tensor(cx, "index")?;
    if cx.shape(&index).len() != 1 {
        let text = format!(
            "`index` of `index_select` must have 1 dimension, not {}{}",
            cx.shape(&index).len(),
            cx.origin_note(&index)
        );
        return Err(cx.error(a.span_of("index"), text));
    }
    let y = cx.g.push(
        Take {
            dim,
            what: cx.reads(&index),
        },
        &[x.id, index.id],
        None,
    );
    Ok(cx.tensor(y))
}

/// `input` with the elements of `source` at positions along `dim`: `torch.index_copy`.
fn index_copy(cx: &mut Cx, a: &Args) -> Reported<Value> {
    let x = a.tensor(cx, "input")?;
    let dim = a.axis(cx, "dim", &x)?;
    let mut index = a.tensor(cx, "index")?;
    let what = cx.reads(&index);
    let mut source = a.tensor(cx, "source")?;
    // A number takes the required type.
    if !matches!(a.value("source"), Value::Tensor(_)) {
        let to = cx.g[x.id].dtype;
        source.id = cx.as_type(&source, to);
    }
    // A single position is a list of one: then `source` may lack the dimension.
    if cx.shape(&index).is_empty() {
        index.id = cx.g.reshape(index.id, &vec![Dim::one()]);
        if cx.shape(&source).len() + 1 == cx.shape(&x).len() {
            source.id = cx.g.unsqueeze(source.id, dim);
        }
    }
    let at = cx.shape(&index);
    let [count] = at.as_slice() else {
        let text = format!(
            "`index` of `index_copy` must have at most 1 dimension, not {}{}",
            at.len(),
            cx.origin_note(&index)
        );
        return Err(cx.error(a.span_of("index"), text));
    };
    let mut part = cx.shape(&x);
    part[dim] = count.clone();
    let (to, from) = (cx.g[x.id].dtype, cx.g[source.id].dtype);
    if to != from {
        let text = format!(
            "`source` of `index_copy` must hold {}, like `{}`, but `{}` {}\nhelp: {}",
            named(to),
            x.text,
            source.text,
            cx.described(source.id),
            conversion_help(to, from, &source.text)
        );
        return Err(cx.error(a.span_of("source"), text));
    }
    if !cx.same_shape(&cx.shape(&source), &part) {
        let text = format!(
            "`source` of `index_copy` must be {}, but `{}` is {}{}\nnote: `index` has {}, so `source` needs size {count} in dimension {dim}{}",
            show_shape(&part),
            source.text,
            cx.typed(source.id),
            cx.origin_line(&source),
            several(count, "position"),
            cx.origin_note(&x)
        );
        return Err(cx.error(a.span_of("source"), text));
    }
    let op = Put { dim, what };
    let y = cx.g.push(op, &[x.id, index.id, source.id], None);
    Ok(cx.tensor(y))
}

/// Rows of `weight` (V, D) at `index` (any shape): (.., D). The row `padding_idx` gets no gradient.
pub fn embedding(cx: &mut Cx, index: &Tensor, weight: NodeId, padding_idx: Option<&Dim>) -> NodeId {
    let mut shape = cx.shape(index);
    let what = cx.reads(index);
    let flat = cx.g.reshape(index.id, &vec![numel(&shape)]);
    let rows = cx.g.push(Take { dim: 0, what }, &[weight, flat], None);
    let rows = match padding_idx {
        None => rows,
        Some(padding) => {
            let at = cx.g.whole_size(padding);
            let hit = cx.g.binary(S::Eq, flat, at);
            let hit = cx.g.unsqueeze(hit, 1);
            let to = cx.g.shape(rows).clone();
            let hit = cx.g.expand(hit, &to);
            let still = cx.g.push(Op::Detach, &[rows], None);
            cx.g.scalar(S::Where, &[hit, still, rows])
        }
    };
    shape.push(cx.g.shape(weight)[1].clone());
    cx.g.reshape(rows, &shape)
}

fn embedding_op(cx: &mut Cx, a: &Args) -> Reported<Value> {
    let index = a.tensor(cx, "input")?;
    let weight = a.float(cx, "weight")?;
    if cx.shape(&weight).len() != 2 {
        let text = format!(
            "`weight` of `embedding` must be a matrix [rows, features], but has {}{}",
            crate::args::count(cx.shape(&weight).len(), "dimension"),
            cx.origin_note(&weight)
        );
        return Err(cx.error(a.span_of("weight"), text));
    }
    let rows = cx.shape(&weight)[0].clone();
    let padding = padding_row(cx, a, &rows)?;
    let y = embedding(cx, &index, weight.id, padding.as_ref());
    Ok(cx.tensor(y))
}

/// The row `padding_idx`, which must be one of `rows`.
pub fn padding_row(cx: &mut Cx, a: &Args, rows: &Dim) -> Reported<Option<Dim>> {
    if matches!(a.value("padding_idx"), Value::Null) {
        return Ok(None);
    }
    let (given, span) = (a.whole(cx, "padding_idx")?, a.span_of("padding_idx"));
    let row = match given.terms().all(|(c, _)| c < 0) && given != Dim::from(0) {
        true => given.add(rows),
        false => given.clone(),
    };
    let text = match (given.value(), rows.value()) {
        (Some(p), Some(n)) if !(-n..n).contains(&p) => format!(
            "`padding_idx` is {p}, but must be from -{n} to {}: the table has {n} rows",
            n - 1
        ),
        _ => {
            let why = format!("`padding_idx` must be one of {rows} rows");
            cx.at_least(rows, &row.add(&Dim::one()), span, &why)?;
            cx.at_least(&row, &Dim::from(0), span, &why)?;
            return Ok(Some(row));
        }
    };
    Err(cx.error(span, text))
}

/// 1 at the position, 0 elsewhere, along a new last dimension; integers, as in PyTorch.
fn one_hot(cx: &mut Cx, a: &Args) -> Reported<Value> {
    let index = a.tensor(cx, "input")?;
    let classes = a.dim(cx, "num_classes")?;
    let mut shape = cx.shape(&index);
    if classes.value().is_some_and(|c| c < 1) {
        let text = format!("`num_classes` of `one_hot` must be at least 1, not {classes}");
        return Err(cx.error(a.span_of("num_classes"), text));
    }
    // The ones are read at the indices, which reports indices that are not a class.
    let ones = cx.g.full(1.0, DType::Int, &vec![classes.clone()]);
    let flat = cx.g.reshape(index.id, &vec![numel(&shape)]);
    let what = cx.reads(&index);
    let one = cx.g.push(Take { dim: 0, what }, &[ones, flat], None);
    let one = cx.g.reshape(one, &shape);
    let rank = shape.len();
    let at = cx.g.unsqueeze(index.id, rank);
    shape.push(classes);
    let at = cx.g.expand(at, &shape);
    let position = cx.g.iota(&shape, rank);
    let hit = cx.g.scalar(S::Eq, &[position, at]);
    let one = cx.g.unsqueeze(one, rank);
    let zero = cx.g.full(0.0, DType::Int, &Vec::new());
    let y = cx.g.select(hit, one, zero);
    Ok(cx.tensor(y))
}

/// The element of `x` at `index` along `dim`, which vanishes; `index` has `x`'s other dimensions.
pub fn pick(cx: &mut Cx, x: NodeId, dim: usize, index: NodeId, what: Reads) -> NodeId {
    let shape = cx.g.shape(index).clone();
    let mut at: Vec<Dim> = shape.clone();
    at.insert(dim, Dim::one());
    let at = cx.g.reshape(index, &at);
    let y = cx.g.push(Gather { dim, what }, &[x, at], None);
    cx.g.reshape(y, &shape)
}

/// `x[.., i, j, ..]` with tensors of indices for the dimensions from `dim` on. The shape that the tensors broadcast to
/// takes the place of these dimensions; the second result is its rank.
pub fn at(
    cx: &mut Cx,
    span: Span,
    x: &Tensor,
    dim: usize,
    indices: &[Tensor],
) -> Reported<(NodeId, usize)> {
    if let Some(float) = indices.iter().find(|i| cx.g[i.id].dtype == DType::Float) {
        let text = format!(
            "an index must hold integers, but `{}` holds floats of shape {}{}",
            float.text,
            cx.typed(float.id),
            cx.origin_note(float)
        );
        return Err(cx.error(span, text));
    }
    let all: Vec<&Tensor> = indices.iter().collect();
    let shape = cx.broadcast(span, "the indices", &all)?;
    let mut y = x.id;
    for (k, index) in indices.iter().enumerate() {
        let what = cx.reads(index);
        let from = cx.g.shape(y).clone();
        let at = cx.g.expand(index.id, &shape);
        if k == 0 {
            let flat = cx.g.reshape(at, &vec![numel(&shape)]);
            let rows = cx.g.push(Take { dim, what }, &[y, flat], None);
            let to = [&from[..dim], &shape, &from[dim + 1..]].concat();
            y = cx.g.reshape(rows, &to);
            continue;
        }
        // The dimension of this index is the one after those of the shape.
        let along = dim + shape.len();
        let ones = |n| vec![Dim::one(); n];
        let placed = [ones(dim), shape.clone(), ones(from.len() - along)].concat();
        let at = cx.g.reshape(at, &placed);
        let mut wanted = from.clone();
        wanted[along] = Dim::one();
        let at = cx.g.expand(at, &wanted);
        let row = cx.g.push(Gather { dim: along, what }, &[y, at], None);
        wanted.remove(along);
        y = cx.g.reshape(row, &wanted);
    }
    Ok((y, shape.len()))
}

/// `weight` (C) at `index` (any shape): the factor of each class.
pub fn embedding_weights(cx: &mut Cx, index: NodeId, weight: NodeId, what: Reads) -> NodeId {
    let shape = cx.g.shape(index).clone();
    let flat = cx.g.reshape(index, &vec![numel(&shape)]);
    let w = cx.g.push(Take { dim: 0, what }, &[weight, flat], None);
    cx.g.reshape(w, &shape)
}
