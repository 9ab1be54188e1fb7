//! Ops that move elements: views in PyTorch, strides or copies here.

use super::ops;
use crate::args::{Args, several};
use crate::cx::Cx;
use crate::diag::Reported;
use crate::dim::{Dim, Shape, numel, show_shape};
use crate::ir::{DType, NodeId, Op};
use crate::kinds::concat::Concat;
use crate::kinds::flip::Flip;
use crate::kinds::pad::Pad;
use crate::scalar::Scalar as S;
use crate::takes::enclosed;
use crate::value::{Tensor, Value, whole_number};
use netform_core::Number;
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
    "slice" ("input, dim = 0, start = None, end = None, step = 1") slice;
    "narrow" ("input, dim, start, length") narrow;
    "select" ("input, dim, index") select;
    "split" ("input, split_size_or_sections, dim = 0") split;
    "chunk" ("input, chunks, dim = 0") chunk;
    "unbind" ("input, dim = 0") unbind;
    "cat" ("*tensors, dim = 0") cat;
    "stack" ("*tensors, dim = 0") stack;
    "pad" ("input, pad, mode = \"constant\", value = 0.0") pad;
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
            Some(format!("\nhelp: write {shape}: -1 becomes {size}"))
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
fn new_axis(cx: &Cx, a: &Args, name: &str, rank: usize) -> Reported<usize> {
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

fn tensors(cx: &mut Cx, a: &Args) -> Reported<Vec<Tensor>> {
    let items = match a.value("*tensors") {
        Value::List(items) | Value::Tuple(items) => items,
        one => vec![one],
    };
    let mut out: Vec<Tensor> = Vec::new();
    for v in items {
        // Lists of numbers are tensors, and numbers are scalars, of which `stack` makes a tensor.
        let number = a.callee == "stack"
            && matches!(
                v,
                Value::Whole(_) | Value::Number(_) | Value::Real(_) | Value::Dim(_)
            );
        let lifted = match v {
            Value::Tensor(_) | Value::List(_) => cx.lift(&v, &v.shown()),
            _ if number => cx.lift(&v, &v.shown()),
            _ => None,
        };
        match lifted {
            Some(t) => out.push(t),
            None => {
                let text = format!(
                    "`{}` takes tensors, not {}\nhelp: write `{}([x, y], dim = 0)`",
                    a.callee,
                    v.kind(),
                    a.callee
                );
                return Err(cx.error(a.span_of("*tensors"), text));
            }
        }
    }
    if out.is_empty() {
        return Err(cx.error(a.span, format!("`{}` needs at least one tensor", a.callee)));
    }
    for i in 1..out.len() {
        let (x, y) = cx.promote(a.span, &out[0].clone(), &out[i].clone())?;
        out[0] = x;
        out[i] = y;
    }
    let dtype = cx.g[out[0].id].dtype;
    for t in &mut out {
        t.id = cx.g.cast(t.id, dtype);
    }
    Ok(out)
}

fn cat(cx: &mut Cx, a: &Args) -> Reported<Value> {
    let xs = tensors(cx, a)?;
    let dim = a.axis(cx, "dim", &xs[0])?;
    let first = cx.shape(&xs[0]);
    for x in &xs[1..] {
        let shape = cx.shape(x);
        let notes = |cx: &Cx| cx.origin_note(&xs[0]) + &cx.origin_note(x);
        if shape.len() != first.len() {
            let text = format!(
                "`cat` needs tensors with equally many dimensions, not {} and {}{}",
                first.len(),
                shape.len(),
                notes(cx)
            );
            return Err(cx.error(a.span, text));
        }
        for (d, (have, want)) in shape.iter().zip(&first).enumerate() {
            if d != dim && !cx.same(have, want) {
                let text = format!(
                    "`cat` needs equal sizes except in dimension {dim}: dimension {d} has {want} and {have}{}",
                    notes(cx)
                );
                return Err(cx.error(a.span, text));
            }
        }
    }
    let ids: Vec<NodeId> = xs.iter().map(|x| x.id).collect();
    let y = if ids.len() == 1 {
        ids[0]
    } else {
        cx.g.push(Concat { dim }, &ids, None)
    };
    Ok(cx.tensor(y))
}

fn stack(cx: &mut Cx, a: &Args) -> Reported<Value> {
    let xs = tensors(cx, a)?;
    let first = cx.shape(&xs[0]);
    let dim = new_axis(cx, a, "dim", first.len())?;
    for x in &xs[1..] {
        if !cx.same_shape(&cx.shape(x), &first) {
            let text = format!(
                "`stack` needs tensors of equal shapes{}{}",
                cx.origin_note(&xs[0]),
                cx.origin_note(x)
            );
            return Err(cx.error(a.span, text));
        }
    }
    let ids: Vec<NodeId> = xs.iter().map(|x| cx.g.unsqueeze(x.id, dim)).collect();
    let y = if ids.len() == 1 {
        ids[0]
    } else {
        cx.g.push(Concat { dim }, &ids, None)
    };
    Ok(cx.tensor(y))
}

/// Pairs (before, after), last dimension first.
fn pad(cx: &mut Cx, a: &Args) -> Reported<Value> {
    let mut x = a.tensor(cx, "input")?;
    let list = a.offsets(cx, "pad")?;
    let mode = a.choice(
        cx,
        "mode",
        &["constant", "reflect", "replicate", "circular"],
    )?;
    let shape = cx.shape(&x);
    let span = a.span_of("pad");
    if list.len() % 2 != 0 || list.len() / 2 > shape.len() {
        let mistake = match list.len() % 2 {
            0 => format!(
                "`pad` takes at most {} numbers for {}",
                2 * shape.len(),
                crate::args::count(shape.len(), "dimension")
            ),
            _ => "`pad` needs two numbers for each padded dimension".to_owned(),
        };
        let text = format!(
            "{mistake}, but the list has {}\nnote: the list begins with the last dimension: [before, after, ..]{}",
            crate::args::count(list.len(), "number"),
            cx.origin_note(&x)
        );
        return Err(cx.error(span, text));
    }
    let zero = Dim::from(0);
    let mut sides: Vec<(Dim, Dim)> = Vec::new();
    for d in 0..shape.len() {
        let k = shape.len() - 1 - d;
        let side = |i: usize| list.get(i).cloned().unwrap_or_else(|| zero.clone());
        let (mut before, mut after) = (side(2 * k), side(2 * k + 1));
        let less = |side: &Dim| side.value().is_some_and(|v| v < 0);
        if less(&before) || less(&after) {
            if mode != "constant" {
                let number = if less(&before) { before } else { after };
                let text = format!(
                    "`pad` in mode \"{mode}\" takes no negative number, but {number} is given"
                );
                return Err(cx.error(span, text));
            }
            // A negative number takes elements away.
            let (mut start, mut end) = (zero.clone(), shape[d].clone());
            if less(&before) {
                start = std::mem::replace(&mut before, zero.clone()).mul(&Dim::from(-1));
            }
            if less(&after) {
                end = end.add(&std::mem::replace(&mut after, zero.clone()));
            }
            if end.sub(&start).value().is_some_and(|left| left < 0) {
                let text = format!(
                    "`pad` removes {} elements, but dimension {d} has size {}{}",
                    shape[d].sub(&end.sub(&start)),
                    shape[d],
                    cx.origin_note(&x)
                );
                return Err(cx.error(span, text));
            }
            let why = format!("`pad` removes more elements than dimension {d} has");
            cx.at_least(&end, &start, span, &why)?;
            let cut = (&Value::Dim(start), &Value::Dim(end));
            x.id = slice_dim(cx, span, &x, d, cut, 1)?;
        }
        for side in [&before, &after] {
            // A difference of constants.
            cx.at_least(
                side,
                &zero,
                span,
                "a number of `pad` that only rustc knows must not be negative",
            )?;
        }
        sides.push((before, after));
    }
    if mode != "constant" {
        for (d, (before, after)) in sides.iter().enumerate() {
            x.id = pad_along(cx, span, &x, d, (before, after), mode)?;
        }
        return Ok(cx.tensor(x.id));
    }
    if let v @ (Value::Dim(_) | Value::Real(_)) = a.value("value") {
        let id = pad_with(cx, a, &x, &v, sides)?;
        return Ok(cx.tensor(id));
    }
    let number = a.number(cx, "value")?;
    let (value, kind) = match cx.g[x.id].dtype {
        DType::Float => (Some(Number::Float(number)), ""),
        DType::Int => (
            whole_number(&a.value("value")).map(Number::Int),
            "integers, so `value` of `pad` must be a 64-bit integer",
        ),
        DType::Bool => (
            [(0.0, false), (1.0, true)]
                .iter()
                .find_map(|(v, truth)| (*v == number).then_some(Number::Bool(*truth))),
            "booleans, so `value` of `pad` must be 0 or 1",
        ),
    };
    let Some(value) = value else {
        let text = format!(
            "`{}` holds {kind}, not {number}{}",
            x.text,
            cx.origin_note(&x)
        );
        return Err(cx.error(a.span_of("value"), text));
    };
    let y = pad_all(cx, x.id, sides, value);
    Ok(cx.tensor(y))
}

fn pad_all(cx: &mut Cx, x: NodeId, sides: Vec<(Dim, Dim)>, value: Number) -> NodeId {
    let shape = cx.g.shape(x);
    let padded = |(size, (before, after)): (&Dim, &(Dim, Dim))| size.add(before).add(after);
    let to: Shape = shape.iter().zip(&sides).map(padded).collect();
    let low: Vec<Dim> = sides.into_iter().map(|s| s.0).collect();
    let step = vec![1; shape.len()];
    cx.g.push(Pad { low, step, value }, &[x], Some(to))
}

/// Padding with a number that only rustc knows: it is chosen where a padded `true` is missing.
fn pad_with(
    cx: &mut Cx,
    a: &Args,
    x: &Tensor,
    value: &Value,
    sides: Vec<(Dim, Dim)>,
) -> Reported<NodeId> {
    let (shape, dtype) = (cx.shape(x), cx.g[x.id].dtype);
    let (number, zero) = match (dtype, value.real()) {
        (DType::Float, Some(number)) => (cx.g.real(&number), Number::Float(0.0)),
        (DType::Int, _) if value.as_dim().is_some() => (cx.tensor_of(value, "").id, Number::Int(0)),
        _ => {
            let text = format!(
                "`{}` {}, so `value` of `pad` must be a number that the macro knows, not `{}`{}",
                x.text,
                cx.described(x.id),
                a.given("value").map_or("", |g| &g.text),
                cx.origin_line(x)
            );
            return Err(cx.error(a.span_of("value"), text));
        }
    };
    let inside = cx.g.filled(Number::Bool(true), &shape);
    let inside = pad_all(cx, inside, sides.clone(), Number::Bool(false));
    let y = pad_all(cx, x.id, sides, zero);
    let shape = cx.g.shape(y).clone();
    let number = cx.g.expand(number, &shape);
    Ok(cx.g.scalar(S::Where, &[inside, y, number]))
}

/// `before` and `after` more elements along dimension `d`, taken from the value itself: `reflect` mirrors it at its
/// edges, `replicate` repeats the edges, `circular` continues at the other end.
pub fn pad_along(
    cx: &mut Cx,
    span: Span,
    x: &Tensor,
    d: usize,
    (before, after): (&Dim, &Dim),
    mode: &str,
) -> Reported<NodeId> {
    let size = cx.shape(x)[d].clone();
    let (zero, one) = (Dim::from(0), Dim::one());
    for side in [before, after] {
        if *side == zero {
            continue;
        }
        match mode {
            "reflect" | "circular" => {
                let least = match mode {
                    "reflect" => side.add(&one),
                    _ => side.clone(),
                };
                let why = format!(
                    "`{mode}` padding by {} needs size {least} or more",
                    several(side, "element")
                );
                if size.sub(&least).value().is_some_and(|more| more < 0) {
                    let text = format!("{why}, but dimension {d} has size {size}");
                    return Err(cx.error(span, text));
                }
                cx.at_least(&size, &least, span, &why)?;
            }
            _ => cx.at_least(
                &size,
                &one,
                span,
                "`replicate` padding needs at least one element",
            )?,
        }
    }
    let part = |cx: &mut Cx, from: Dim, to: Dim| -> Reported<NodeId> {
        slice_dim(cx, span, x, d, (&Value::Dim(from), &Value::Dim(to)), 1)
    };
    let repeated = |cx: &mut Cx, edge: NodeId, count: &Dim| {
        let mut shape = cx.g.shape(edge).clone();
        shape[d] = count.clone();
        cx.g.expand(edge, &shape)
    };
    let flipped = |cx: &mut Cx, y: NodeId| cx.g.push(Flip { dims: vec![d] }, &[y], None);
    let mut parts = Vec::new();
    if *before != zero {
        parts.push(match mode {
            "reflect" => {
                let y = part(cx, one.clone(), before.add(&one))?;
                flipped(cx, y)
            }
            "circular" => part(cx, size.sub(before), size.clone())?,
            _ => {
                let edge = part(cx, zero.clone(), one.clone())?;
                repeated(cx, edge, before)
            }
        });
    }
    parts.push(x.id);
    if *after != zero {
        parts.push(match mode {
            "reflect" => {
                let y = part(cx, size.sub(&after.add(&one)), size.sub(&one))?;
                flipped(cx, y)
            }
            "circular" => part(cx, zero.clone(), after.clone())?,
            _ => {
                let edge = part(cx, size.sub(&one), size.clone())?;
                repeated(cx, edge, after)
            }
        });
    }
    Ok(match parts.as_slice() {
        [only] => *only,
        _ => cx.g.push(Concat { dim: d }, &parts, None),
    })
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
