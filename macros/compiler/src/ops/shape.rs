//! Ops that move elements: views in PyTorch, strides or copies here.

use super::ops;
use super::slice::slice_dim;
use crate::args::Args;
use crate::cx::Cx;
use crate::diag::Reported;
use crate::dim::{Dim, Shape, numel, show_shape};
use crate::ir::{DType, NodeId};
use crate::kinds::concat::Concat;
use crate::kinds::flip::Flip;
use crate::scalar::Scalar as S;
use crate::takes::enclosed;
use crate::value::{Tensor, Value};
use proc_macro2::Span;

ops! {
    "reshape" ("input, *shape") reshape;
    "flatten" ("input, start_dim = 0, end_dim = -1") flatten;
    "unflatten" ("input, dim, sizes") unflatten;
    "transpose" ("input, dim0, dim1") transpose;
    "t" ("input") t;
    "permute" ("input, *dims") permute;
    "squeeze" ("input, dim = None") squeeze;
    "unsqueeze" ("input, dim") unsqueeze;
    "expand" ("input, *shape") expand;
    "expand_as" ("input, other") expand_as;
    "repeat" ("input, *repeats") repeat;
    "flip" ("input, *dims") flip;
    "roll" ("input, shifts, dims = None") roll;
    "tril" ("input, diagonal = 0") |cx, a| triangle(cx, a, true);
    "triu" ("input, diagonal = 0") |cx, a| triangle(cx, a, false);
}

/// One size may be -1: it follows from the others.
fn reshape(cx: &mut Cx, a: &Args) -> Reported<Value> {
    let x = a.tensor(cx, "input")?;
    let mut to = a.dims(cx, "*shape")?;
    let from = cx.shape(&x);
    let total = numel(&from);
    let free: Vec<usize> = (0..to.len())
        .filter(|i| to[*i].value() == Some(-1))
        .collect();
    if free.len() > 1 {
        return Err(cx.error(a.span_of("*shape"), "only one size of `reshape` can be -1"));
    }
    if let [free] = free[..] {
        let rest = to
            .iter()
            .enumerate()
            .filter(|(i, _)| *i != free)
            .fold(Dim::one(), |n, (_, d)| n.mul(d));
        let why = format!(
            "`reshape` cannot give `{}` the shape {}",
            x.text,
            show_shape(&to)
        );
        to[free] = cx.divides(&total, &rest, a.span_of("*shape"), &why)?;
        if !cx.same(&numel(&to), &total) {
            let text = format!(
                "{why}: {total} may not be divisible by {rest}{}\nhelp: write the size in place of -1",
                cx.origin_note(&x)
            );
            return Err(cx.error(a.span_of("*shape"), text));
        }
    }
    if !cx.same(&numel(&to), &total) {
        let (all, want) = (total.to_string(), numel(&to).to_string());
        // The help would not lead to a shape where no size fits the others.
        let fits = (0..to.len()).rev().find_map(|i| {
            let mut others = to.clone();
            others[i] = Dim::one();
            let size = total.div_exact(&numel(&others))?;
            others[i] = Dim::from(-1);
            let shape = show_shape(&others);
            Some(format!(
                "\nhelp: write the shape {shape}, where -1 becomes {size}"
            ))
        });
        let help = fits.unwrap_or_default();
        let text = format!(
            "`{}` has {all} elements, but {} has {want} elements{}{help}",
            x.text,
            show_shape(&to),
            cx.origin_note(&x)
        );
        return Err(cx.error(a.span_of("*shape"), text));
    }
    let y = cx.g.reshape(x.id, &to);
    Ok(cx.tensor(y))
}

fn flatten(cx: &mut Cx, a: &Args) -> Reported<Value> {
    let x = a.tensor(cx, "input")?;
    let y = flatten_dims(cx, a, &x)?;
    Ok(cx.tensor(y))
}

/// Dimensions `start_dim` to `end_dim` as one.
pub fn flatten_dims(cx: &mut Cx, a: &Args, x: &Tensor) -> Reported<NodeId> {
    let shape = cx.shape(x);
    if shape.is_empty() {
        return Ok(cx.g.reshape(x.id, &vec![Dim::one()]));
    }
    let (start, end) = (a.axis(cx, "start_dim", x)?, a.axis(cx, "end_dim", x)?);
    if start > end {
        return Err(cx.error(
            a.span,
            format!("`flatten` starts at dimension {start}, but ends at dimension {end}"),
        ));
    }
    let mut to = shape[..start].to_vec();
    to.push(numel(&shape[start..=end]));
    to.extend_from_slice(&shape[end + 1..]);
    Ok(cx.g.reshape(x.id, &to))
}

fn unflatten(cx: &mut Cx, a: &Args) -> Reported<Value> {
    let x = a.tensor(cx, "input")?;
    let dim = a.axis(cx, "dim", &x)?;
    let mut sizes = a.dims(cx, "sizes")?;
    let shape = cx.shape(&x);
    if let Some(free) = sizes.iter().position(|d| d.value() == Some(-1)) {
        let rest = sizes
            .iter()
            .enumerate()
            .filter(|(i, _)| *i != free)
            .fold(Dim::one(), |n, (_, d)| n.mul(d));
        sizes[free] = cx.divides(&shape[dim], &rest, a.span_of("sizes"), "`unflatten`")?;
    }
    if !cx.same(&numel(&sizes), &shape[dim]) {
        let text = format!(
            "`unflatten` cannot split size {} into {}, whose product is {}{}",
            shape[dim],
            show_shape(&sizes),
            numel(&sizes),
            cx.origin_note(&x)
        );
        return Err(cx.error(a.span_of("sizes"), text));
    }
    let mut to = shape[..dim].to_vec();
    to.extend(sizes);
    to.extend_from_slice(&shape[dim + 1..]);
    let y = cx.g.reshape(x.id, &to);
    Ok(cx.tensor(y))
}

fn transpose(cx: &mut Cx, a: &Args) -> Reported<Value> {
    let x = a.tensor(cx, "input")?;
    let (i, j) = (a.axis(cx, "dim0", &x)?, a.axis(cx, "dim1", &x)?);
    let mut order: Vec<usize> = (0..cx.g.shape(x.id).len()).collect();
    order.swap(i, j);
    let y = cx.g.permute(x.id, &order);
    Ok(cx.tensor(y))
}

fn t(cx: &mut Cx, a: &Args) -> Reported<Value> {
    let x = a.tensor(cx, "input")?;
    let rank = cx.g.shape(x.id).len();
    if rank > 2 {
        return Err(cx.error(
            a.span,
            format!(
                "`t` takes a matrix, but `{0}` has {rank} dimensions{1}\nhelp: write `{2}.transpose(-2, -1)`",
                x.text,
                cx.origin_note(&x),
                enclosed(&x.text)
            ),
        ));
    }
    let y = if rank == 2 {
        cx.g.permute(x.id, &[1, 0])
    } else {
        x.id
    };
    Ok(cx.tensor(y))
}

fn permute(cx: &mut Cx, a: &Args) -> Reported<Value> {
    let x = a.tensor(cx, "input")?;
    let span = a.span_of("*dims");
    let mut order = Vec::new();
    for d in a.integers(cx, "*dims")?.unwrap_or_default() {
        order.push(cx.axis(d, &x, span, "dims")?);
    }
    let mut sorted = order.clone();
    sorted.sort_unstable();
    if !sorted.iter().copied().eq(0..cx.g.shape(x.id).len()) {
        let named: Vec<String> = order.iter().map(usize::to_string).collect();
        let text = format!(
            "`permute` must list each dimension of `{}` once, but lists {}{}",
            x.text,
            named.join(", "),
            cx.origin_note(&x)
        );
        return Err(cx.error(span, text));
    }
    let y = cx.g.permute(x.id, &order);
    Ok(cx.tensor(y))
}

fn squeeze(cx: &mut Cx, a: &Args) -> Reported<Value> {
    let x = a.tensor(cx, "input")?;
    let dims = a.axes(cx, "dim", &x)?;
    let shape = cx.shape(&x);
    let to: Shape = shape
        .iter()
        .enumerate()
        .filter(|(i, d)| !(dims.contains(i) && d.is_one()))
        .map(|(_, d)| d.clone())
        .collect();
    let y = cx.g.reshape(x.id, &to);
    Ok(cx.tensor(y))
}

fn unsqueeze(cx: &mut Cx, a: &Args) -> Reported<Value> {
    let x = a.tensor(cx, "input")?;
    let dim = new_axis(cx, a, "dim", cx.g.shape(x.id).len())?;
    let y = cx.g.unsqueeze(x.id, dim);
    Ok(cx.tensor(y))
}

/// An index for a new dimension, so `rank` itself is allowed.
pub(super) fn new_axis(cx: &Cx, a: &Args, name: &str, rank: usize) -> Reported<usize> {
    let d = a.integer(cx, name)?;
    let n = rank as i64;
    let at = if d < 0 { d + n + 1 } else { d };
    if (0..=n).contains(&at) {
        return Ok(at as usize);
    }
    Err(cx.error(
        a.span_of(name),
        format!(
            "`{name}` of `{}` must be from -{} to {n}, not {d}",
            a.callee,
            n + 1
        ),
    ))
}

fn expand_to(cx: &mut Cx, span: Span, x: &Tensor, mut to: Shape) -> Reported<Value> {
    let from = cx.shape(x);
    let lead = to.len().checked_sub(from.len());
    if let Some(lead) = lead {
        for (i, d) in from.iter().enumerate() {
            if to[lead + i].value() == Some(-1) {
                to[lead + i] = d.clone();
            }
        }
    }
    let fits = lead.is_some_and(|lead| {
        from.iter()
            .zip(&to[lead..])
            .all(|(a, b)| a.is_one() || cx.same(a, b))
    });
    if !fits {
        let text = format!(
            "`{}` cannot expand to {}: only dimensions of size 1 expand{}",
            x.text,
            show_shape(&to),
            cx.origin_note(x)
        );
        return Err(cx.error(span, text));
    }
    let y = cx.g.expand(x.id, &to);
    Ok(cx.tensor(y))
}

fn expand(cx: &mut Cx, a: &Args) -> Reported<Value> {
    let x = a.tensor(cx, "input")?;
    let to = a.dims(cx, "*shape")?;
    expand_to(cx, a.span_of("*shape"), &x, to)
}

fn expand_as(cx: &mut Cx, a: &Args) -> Reported<Value> {
    let (x, other) = (a.tensor(cx, "input")?, a.tensor(cx, "other")?);
    let to = cx.shape(&other);
    expand_to(cx, a.span_of("other"), &x, to)
}

/// Each dimension gets a dimension of 1 before it, which is expanded to the repeats and merged with it.
fn repeat(cx: &mut Cx, a: &Args) -> Reported<Value> {
    let x = a.tensor(cx, "input")?;
    let repeats = a.dims(cx, "*repeats")?;
    let from = cx.shape(&x);
    let Some(lead) = repeats.len().checked_sub(from.len()) else {
        let text = format!(
            "`repeat` needs one number for each of the {} of `{}`, but got only {}{}",
            crate::args::count(from.len(), "dimension"),
            x.text,
            crate::args::count(repeats.len(), "number"),
            cx.origin_note(&x)
        );
        return Err(cx.error(a.span_of("*repeats"), text));
    };
    let (mut split, mut whole, mut to) = (Vec::new(), Vec::new(), Vec::new());
    for (i, r) in repeats.iter().enumerate() {
        let d = if i < lead {
            Dim::one()
        } else {
            from[i - lead].clone()
        };
        split.extend([Dim::one(), d.clone()]);
        whole.extend([r.clone(), d.clone()]);
        to.push(r.mul(&d));
    }
    let y = cx.g.reshape(x.id, &split);
    let y = cx.g.expand(y, &whole);
    let y = cx.g.reshape(y, &to);
    Ok(cx.tensor(y))
}

fn flip(cx: &mut Cx, a: &Args) -> Reported<Value> {
    let x = a.tensor(cx, "input")?;
    let dims = a.axes(cx, "*dims", &x)?;
    let y = cx.g.push(Flip { dims }, &[x.id], None);
    Ok(cx.tensor(y))
}

/// Elements that leave at the end come back at the start. Without `dims`, those of the flattened tensor.
fn roll(cx: &mut Cx, a: &Args) -> Reported<Value> {
    let x = a.tensor(cx, "input")?;
    let shifts = match a.value("shifts") {
        Value::List(items) | Value::Tuple(items) => items,
        one => vec![one],
    };
    let shifts: Option<Vec<Dim>> = shifts.iter().map(Value::as_size).collect();
    let Some(shifts) = shifts else {
        let text = "`shifts` of `roll` must be an integer or a list of integers";
        return Err(cx.error(a.span_of("shifts"), text));
    };
    let whole = cx.shape(&x);
    let (mut y, dims) = match a.integers(cx, "dims")? {
        None => (cx.g.reshape(x.id, &vec![numel(&whole)]), vec![0]),
        Some(list) => {
            let dims = list
                .into_iter()
                .map(|d| cx.axis(d, &x, a.span_of("dims"), "dims"));
            (x.id, dims.collect::<Reported<Vec<usize>>>()?)
        }
    };
    if dims.len() != shifts.len() {
        let text = format!(
            "`roll` needs one dimension for each shift, but has {} and {}",
            crate::args::count(shifts.len(), "shift"),
            crate::args::count(dims.len(), "dimension")
        );
        return Err(cx.error(a.span_of("shifts"), text));
    }
    for (dim, shift) in dims.into_iter().zip(shifts) {
        let size = cx.g.shape(y)[dim].clone();
        // The number of elements that come to the start.
        let moved = match (shift.value(), size.value()) {
            (_, Some(0)) => continue,
            (Some(k), Some(n)) => Dim::from(k.rem_euclid(n)),
            _ if shift.terms().all(|(c, _)| c < 0) => size.add(&shift),
            _ => shift,
        };
        if moved == Dim::from(0) {
            continue;
        }
        let why = "the shift of `roll` is larger than the dimension";
        cx.at_least(&size, &moved, a.span_of("shifts"), why)?;
        cx.at_least(&moved, &Dim::from(0), a.span_of("shifts"), why)?;
        let at = size.sub(&moved);
        let t = Tensor {
            id: y,
            text: x.text.clone(),
        };
        let (start, end) = (Value::Dim(at.clone()), Value::Dim(size));
        let last = slice_dim(cx, a.span, &t, dim, (&start, &end), 1)?;
        let first = slice_dim(cx, a.span, &t, dim, (&Value::Whole(0), &Value::Dim(at)), 1)?;
        y = cx.g.push(Concat { dim }, &[last, first], None);
    }
    let y = cx.g.reshape(y, &whole);
    Ok(cx.tensor(y))
}

/// Keeps the triangle on one side of a diagonal of the last two dimensions.
fn triangle(cx: &mut Cx, a: &Args, lower: bool) -> Reported<Value> {
    let x = a.tensor(cx, "input")?;
    let diagonal = a.whole(cx, "diagonal")?;
    let shape = cx.shape(&x);
    let rank = shape.len();
    if rank < 2 {
        return Err(cx.error(
            a.span,
            format!(
                "`{}` takes a matrix, but `{}` has {}{}",
                a.callee,
                x.text,
                crate::args::count(rank, "dimension"),
                cx.origin_note(&x)
            ),
        ));
    }
    let (row, column) = (cx.g.iota(&shape, rank - 2), cx.g.iota(&shape, rank - 1));
    // No matrix is large enough for a diagonal beyond these bounds to matter.
    let shift = match diagonal.value() {
        Some(diagonal) => cx.g.whole(diagonal.clamp(-(1 << 30), 1 << 30).into()),
        None => cx.g.whole_size(&diagonal),
    };
    let shift = cx.g.expand(shift, &shape);
    let limit = cx.g.scalar(S::Add, &[row, shift]);
    let keep =
        cx.g.scalar(if lower { S::Le } else { S::Ge }, &[column, limit]);
    if cx.g[x.id].dtype == DType::Bool {
        let y = cx.g.scalar(S::And, &[keep, x.id]);
        return Ok(cx.tensor(y));
    }
    let dtype = cx.g[x.id].dtype;
    let zero = cx.g.full(0.0, dtype, &shape);
    let y = cx.g.scalar(S::Where, &[keep, x.id, zero]);
    Ok(cx.tensor(y))
}
