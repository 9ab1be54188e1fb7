//! Ops that take a part of a dimension: slices, positions, pieces.

use super::ops;
use crate::args::Args;
use crate::cx::Cx;
use crate::diag::Reported;
use crate::dim::{Dim, show_shape};
use crate::ir::{NodeId, Op};
use crate::takes::enclosed;
use crate::value::{Tensor, Value};
use proc_macro2::Span;

ops! {
    "slice" ("input, dim = 0, start = None, end = None, step = 1") slice;
    "narrow" ("input, dim, start, length") narrow;
    "select" ("input, dim, index") select;
    "split" ("input, split_size_or_sections, dim = 0") split;
    "chunk" ("input, chunks, dim = 0") chunk;
    "unbind" ("input, dim = 0") unbind;
}

/// One end of a range: Python's rule, negative counts from the end.
fn end_of(value: &Value, size: &Dim, default: Dim) -> Option<Dim> {
    match value {
        Value::Null => Some(default),
        v => {
            let d = v.as_dim()?;
            Some(if d.value().is_some_and(|v| v < 0) {
                size.add(&d)
            } else {
                d
            })
        }
    }
}

/// `x[start..end]` along one dimension, with a step.
pub fn slice_dim(
    cx: &mut Cx,
    span: Span,
    x: &Tensor,
    dim: usize,
    ends: (&Value, &Value),
    step: i64,
) -> Reported<NodeId> {
    let shape = cx.shape(x);
    let size = shape[dim].clone();
    let end = |which: &str, value: &Value, default: Dim| {
        end_of(value, &size, default).ok_or_else(|| {
            let found = value.shown();
            let text = format!("the {which} of a slice must be an integer, not {found}");
            cx.error(span, text)
        })
    };
    let start = end("start", ends.0, Dim::from(0))?;
    let mut stop = end("end", ends.1, size.clone())?;
    if step < 1 {
        return Err(cx.error(
            span,
            format!(
                "the step of a slice must be at least 1, not {step}\nhelp: to reverse dimension {dim}, write `{}.flip({dim})`",
                enclosed(&x.text)
            ),
        ));
    }
    let what = || format!("the slice {start}..{stop} of dimension {dim}, which has size {size}");
    // Python clips a range at the end; here it is an error. Symbolic sizes are checked when inputs are bound.
    if let (Some(e), Some(n)) = (stop.value(), size.value())
        && e > n
    {
        let text = format!(
            "the slice {start}..{e} ends outside dimension {dim}, which has size {n}{}",
            cx.origin_note(x)
        );
        return Err(cx.error(span, text));
    }
    let why = what();
    cx.at_least(&start, &Dim::from(0), span, &why)?;
    cx.at_least(&size, &stop, span, &why)?;
    cx.at_least(&stop, &start, span, &why)?;
    stop = stop.sub(&start);
    let length = if step == 1 {
        stop
    } else {
        stop.add(&Dim::from(step - 1)).div_floor(&Dim::from(step))
    };
    let mut to = shape.clone();
    to[dim] = length;
    let mut starts = vec![Dim::from(0); shape.len()];
    starts[dim] = start;
    let mut steps = vec![1; shape.len()];
    steps[dim] = step;
    if to == shape && step == 1 {
        return Ok(x.id);
    }
    Ok(cx.g.push(
        Op::Slice {
            start: starts,
            step: steps,
        },
        &[x.id],
        Some(to),
    ))
}

fn slice(cx: &mut Cx, a: &Args) -> Reported<Value> {
    let x = a.tensor(cx, "input")?;
    let dim = a.axis(cx, "dim", &x)?;
    let (start, end, step) = (a.value("start"), a.value("end"), a.integer(cx, "step")?);
    let y = slice_dim(cx, a.span, &x, dim, (&start, &end), step)?;
    Ok(cx.tensor(y))
}

fn narrow(cx: &mut Cx, a: &Args) -> Reported<Value> {
    let x = a.tensor(cx, "input")?;
    let dim = a.axis(cx, "dim", &x)?;
    let (start, length) = (a.dim(cx, "start")?, a.dim(cx, "length")?);
    let end = Value::Dim(start.add(&length));
    let y = slice_dim(cx, a.span, &x, dim, (&Value::Dim(start), &end), 1)?;
    Ok(cx.tensor(y))
}

/// One position along a dimension, which vanishes.
pub fn select_dim(
    cx: &mut Cx,
    span: Span,
    x: &Tensor,
    dim: usize,
    index: &Value,
) -> Reported<NodeId> {
    let size = cx.shape(x)[dim].clone();
    let Some(at) = end_of(index, &size, Dim::from(0)) else {
        let text = format!(
            "an index must be an integer or a range `a..b`, not {}",
            index.shown()
        );
        return Err(cx.error(span, text));
    };
    if let (Some(i), Some(n)) = (at.value(), size.value())
        && (i < 0 || i >= n)
    {
        let text = format!(
            "index {i} is outside dimension {dim}, which has size {n}{}",
            cx.origin_note(x)
        );
        return Err(cx.error(span, text));
    }
    let next = Value::Dim(at.add(&Dim::one()));
    let y = slice_dim(cx, span, x, dim, (&Value::Dim(at), &next), 1)?;
    let mut to = cx.g.shape(y).clone();
    to.remove(dim);
    Ok(cx.g.reshape(y, &to))
}

fn select(cx: &mut Cx, a: &Args) -> Reported<Value> {
    let x = a.tensor(cx, "input")?;
    let dim = a.axis(cx, "dim", &x)?;
    let index = a.value("index");
    let y = select_dim(cx, a.span_of("index"), &x, dim, &index)?;
    Ok(cx.tensor(y))
}

/// Each position of a dimension, which must be known.
fn unbind(cx: &mut Cx, a: &Args) -> Reported<Value> {
    let x = a.tensor(cx, "input")?;
    let dim = a.axis(cx, "dim", &x)?;
    let size = cx.shape(&x)[dim].clone();
    match size.value().and_then(|n| usize::try_from(n).ok()) {
        Some(n @ 1..=MOST_PARTS) => Ok(Value::Tuple(unbound(cx, a.span, &x, dim, n)?)),
        _ => {
            let text = format!(
                "`unbind` takes a dimension of 1 to {MOST_PARTS}, not {size}\nhelp: `scan` and loops go through a dimension of any size"
            );
            Err(cx.error(a.span_of("dim"), text))
        }
    }
}

/// The most results of `unbind`.
const MOST_PARTS: usize = 64;

/// The first `n` positions of a dimension.
pub fn unbound(cx: &mut Cx, span: Span, x: &Tensor, dim: usize, n: usize) -> Reported<Vec<Value>> {
    let parts = (0..n).map(|k| {
        let y = select_dim(cx, span, x, dim, &Value::Whole(k as i128))?;
        Ok(cx.tensor(y))
    });
    parts.collect()
}

fn pieces(cx: &mut Cx, a: &Args, x: &Tensor, dim: usize, sizes: &[Dim]) -> Reported<Value> {
    let mut at = Dim::from(0);
    let mut out = Vec::new();
    for size in sizes {
        let end = at.add(size);
        let y = slice_dim(
            cx,
            a.span,
            x,
            dim,
            (&Value::Dim(at), &Value::Dim(end.clone())),
            1,
        )?;
        out.push(cx.tensor(y));
        at = end;
    }
    Ok(Value::Tuple(out))
}

fn split(cx: &mut Cx, a: &Args) -> Reported<Value> {
    let x = a.tensor(cx, "input")?;
    let dim = a.axis(cx, "dim", &x)?;
    let size = cx.shape(&x)[dim].clone();
    let span = a.span_of("split_size_or_sections");
    let sizes = match a.value("split_size_or_sections") {
        Value::List(_) | Value::Tuple(_) => a.dims(cx, "split_size_or_sections")?,
        _ => {
            let each = a.dim(cx, "split_size_or_sections")?;
            let parts = size.div_exact(&each).and_then(|n| n.value());
            match (parts, size.value(), each.value()) {
                (Some(n), _, _) => vec![each; n.max(0) as usize],
                (None, Some(n), Some(e)) if e > 0 => {
                    let mut sizes = vec![each; (n / e) as usize];
                    sizes.push(Dim::from(n % e));
                    sizes
                }
                (None, _, Some(0)) => {
                    return Err(cx.error(
                        span,
                        "a piece of `split` must have a size of at least 1, not 0",
                    ));
                }
                _ => {
                    let text = format!(
                        "`split` into pieces of size {each} needs a known size, but dimension {dim} has size {size}{}",
                        cx.origin_note(&x)
                    );
                    return Err(cx.error(span, text));
                }
            }
        }
    };
    let sum = sizes.iter().fold(Dim::from(0), |n, d| n.add(d));
    if !cx.same(&sum, &size) {
        let text = format!(
            "the pieces {} of `split` add up to {sum}, but dimension {dim} has size {size}{}",
            show_shape(&sizes),
            cx.origin_note(&x)
        );
        return Err(cx.error(span, text));
    }
    pieces(cx, a, &x, dim, &sizes)
}

/// PyTorch's rule: pieces of `ceil(n / chunks)`, the last one shorter.
fn chunk(cx: &mut Cx, a: &Args) -> Reported<Value> {
    let x = a.tensor(cx, "input")?;
    let dim = a.axis(cx, "dim", &x)?;
    let chunks = a.integer(cx, "chunks")?;
    let size = cx.shape(&x)[dim].clone();
    if chunks < 1 {
        return Err(cx.error(
            a.span_of("chunks"),
            format!("`chunks` of `chunk` must be at least 1, not {chunks}"),
        ));
    }
    let sizes = match size.value() {
        Some(n) => {
            let each = (n + chunks - 1) / chunks;
            let mut left = n;
            let mut sizes = Vec::new();
            while left > 0 {
                sizes.push(Dim::from(each.min(left)));
                left -= each;
            }
            sizes
        }
        None => {
            let why = format!("`chunk` of size {size} into {chunks} equal pieces");
            let each = cx.divides(&size, &Dim::from(chunks), a.span_of("chunks"), &why)?;
            vec![each; chunks as usize]
        }
    };
    pieces(cx, a, &x, dim, &sizes)
}
