//! Sequences and images in another size: each element of the result is one of the input's, a mean of two neighbours,
//! one dimension after the other, or a mean of the elements that it covers.

use super::adaptive::means;
use super::ops;
use super::spatial;
use crate::args::Args;
use crate::cx::Cx;
use crate::diag::Reported;
use crate::dim::Dim;
use crate::ir::{DType, NodeId};
use crate::kinds::take::Take;
use crate::scalar::Scalar as S;
use crate::value::{Tensor, Value};

ops! {
    "interpolate" ("input, size = None, scale_factor = None, mode = \"nearest\", align_corners = None") interpolate;
}

/// One dimension: its size before and after, and the distance of neighbours in the input if a factor gives it;
/// otherwise it follows from the sizes.
struct Along {
    from: Dim,
    to: Dim,
    step: Option<f64>,
}

fn interpolate(cx: &mut Cx, a: &Args) -> Reported<Value> {
    let x = a.float(cx, "input")?;
    let shape = cx.shape(&x);
    let rank = if shape.len() == 3 { 1 } else { 2 };
    spatial::batch(cx, (a.span, &a.callee), &x, rank)?;
    for d in 2..rank + 2 {
        spatial::filled(cx, (a.span, &a.callee), &x, d)?;
    }
    let modes = ["nearest", "nearest-exact", "linear", "bilinear", "area"];
    let mode = a.choice(cx, "mode", &modes)?;
    let wanted = [("linear", 1), ("bilinear", 2)];
    if let Some((_, dims)) = wanted.iter().find(|w| w.0 == mode && w.1 != rank) {
        // A known first size is that of channels rather than of a batch.
        let help = match mode == "bilinear" && shape[0].names().is_empty() {
            true => format!("add the batch dimension: `{}.unsqueeze(0)`", x.text),
            false => format!("write `mode = {:?}`", ["linear", "bilinear"][rank - 1]),
        };
        let text = format!(
            "`mode = {mode:?}` takes {}, but `{}` has {} dimensions{}\nhelp: {help}",
            ["sequences [N, C, L]", "images [N, C, H, W]"][dims - 1],
            x.text,
            shape.len(),
            cx.origin_note(&x),
        );
        return Err(cx.error(a.span_of("mode"), text));
    }
    let linear = mode == "linear" || mode == "bilinear";
    let corners = match a.value("align_corners") {
        Value::Null => false,
        _ => a.flag(cx, "align_corners")?,
    };
    if corners && !linear {
        let text =
            format!("`align_corners` works with mode \"linear\" or \"bilinear\", not {mode:?}");
        return Err(cx.error(a.span_of("align_corners"), text));
    }
    let sizes = sizes(cx, a, &x, rank)?;
    if mode == "area" {
        let to: Vec<Dim> = sizes.into_iter().map(|s| s.to).collect();
        let y = means(cx, x.id, &to);
        return Ok(cx.tensor(y));
    }
    let mut y = x.id;
    // The last dimension first, to round as PyTorch does.
    for (d, s) in sizes.iter().enumerate().rev() {
        if s.from == s.to && s.step.is_none_or(|step| step == 1.0) {
            continue;
        }
        y = match linear {
            true => between(cx, y, 2 + d, s, corners),
            false => nearest(cx, y, 2 + d, s, mode == "nearest-exact"),
        };
    }
    Ok(cx.tensor(y))
}

/// The sizes from `size` or `scale_factor`.
fn sizes(cx: &mut Cx, a: &Args, x: &Tensor, rank: usize) -> Reported<Vec<Along>> {
    let from = cx.shape(x)[2..].to_vec();
    let (size, factor) = (a.value("size"), a.value("scale_factor"));
    let pairs = from.into_iter();
    match (&size, &factor) {
        (Value::Null, Value::Null) => {
            let text = format!("`{}` needs a `size` or a `scale_factor`", a.callee);
            Err(cx.error(a.span, text))
        }
        (_, Value::Null) => {
            let to = spatial::sizes(cx, a, "size", rank)?;
            let one = |(from, to)| Along {
                from,
                to,
                step: None,
            };
            Ok(pairs.zip(to).map(one).collect())
        }
        (Value::Null, _) => {
            let factors = factors(cx, a, rank)?;
            let one = |(from, factor): (Dim, f64)| {
                let to = scaled(cx, a, x, &from, factor)?;
                let step = Some(1.0 / factor);
                Ok(Along { from, to, step })
            };
            pairs.zip(factors).map(one).collect()
        }
        _ => {
            let text = format!(
                "`{}` takes a `size` or a `scale_factor`, not both",
                a.callee
            );
            Err(cx.error(a.span_of("scale_factor"), text))
        }
    }
}

/// `floor(from * factor)`. For a named size, the factor is a fraction of a power of two, such as 0.5 or 1.25.
fn scaled(cx: &mut Cx, a: &Args, x: &Tensor, from: &Dim, factor: f64) -> Reported<Dim> {
    let span = a.span_of("scale_factor");
    let halves = (0..=10).map(|k| 1 << k);
    let fraction = halves.map(|q: i64| (factor * q as f64, q));
    let to = match (from.value(), { fraction }.find(|(p, _)| p.fract() == 0.0)) {
        (Some(n), _) => Some(Dim::from((n as f64 * factor).floor() as i64)),
        (None, Some((p, q))) => Some(from.mul(&Dim::from(p as i64)).div_floor(&Dim::from(q))),
        (None, None) => None,
    };
    match to {
        Some(to) if to.value() != Some(0) => {
            let why = format!("`scale_factor = {factor}` must not reduce a size of {from} to 0");
            cx.at_least(&to, &Dim::one(), span, &why)?;
            Ok(to)
        }
        _ => {
            let why = match from.value() {
                Some(_) => format!("`scale_factor = {factor}` reduces a size of {from} to 0"),
                None => format!(
                    "with `scale_factor = {factor}`, the size of the result is unknown, since {from} is known only at the call"
                ),
            };
            let text = format!(
                "{why}{}\nhelp: write `size = ..` in place of `scale_factor`",
                cx.origin_note(x)
            );
            Err(cx.error(span, text))
        }
    }
}

fn factors(cx: &Cx, a: &Args, rank: usize) -> Reported<Vec<f64>> {
    let items = match a.value("scale_factor") {
        Value::List(items) | Value::Tuple(items) => items,
        one => vec![one],
    };
    for v in &items {
        if let Value::Dim(d) | Value::Real(d) = v {
            let text = format!(
                "`scale_factor` of `{}` must be a number, but the macro does not know the value of `{d}`\nhelp: write the number, or `size = ..` in place of `scale_factor`",
                a.callee
            );
            return Err(cx.error(a.span_of("scale_factor"), text));
        }
    }
    let number = |v: &Value| v.number().filter(|n| *n > 0.0);
    let list: Option<Vec<f64>> = items.iter().map(number).collect();
    match list {
        Some(list) if list.len() == 1 => Ok(vec![list[0]; rank]),
        Some(list) if list.len() == rank => Ok(list),
        _ => {
            let text = format!(
                "`scale_factor` of `{}` must be one or more numbers above 0{}",
                a.callee,
                match a.given("scale_factor") {
                    Some(given) => format!(", not {}", given.text),
                    None => String::new(),
                }
            );
            Err(cx.error(a.span_of("scale_factor"), text))
        }
    }
}

/// The nearest neighbour of each element.
fn nearest(cx: &mut Cx, x: NodeId, dim: usize, s: &Along, exact: bool) -> NodeId {
    let mut shape = cx.g.shape(x).clone();
    // A whole factor repeats each element.
    if let Some(times) = s.to.div_exact(&s.from)
        && let Some(n) = times.value()
        && s.step
            .is_none_or(|step| (step * n as f64 - 1.0).abs() < 1e-9)
    {
        let mut whole = shape.clone();
        whole.insert(dim + 1, times);
        shape[dim] = s.to.clone();
        let y = cx.g.unsqueeze(x, dim + 1);
        let y = cx.g.expand(y, &whole);
        return cx.g.reshape(y, &shape);
    }
    let g = &mut cx.g;
    let at = g.iota(&vec![s.to.clone()], 0);
    let at = g.cast(at, DType::Float);
    let at = match s.step {
        Some(step) => {
            let at = if exact { g.shift(at, 0.5) } else { at };
            g.scale(at, step)
        }
        // (i + 1/2) s / n, or i s / n, plus a little, so that whole quotients stay whole.
        None => {
            let (from, to) = (g.size(&s.from), g.size(&s.to));
            let at = if exact { g.shift(at, 0.5) } else { at };
            let at = g.mul2(at, from);
            let at = g.shift(at, 0.25);
            g.div2(at, to)
        }
    };
    let at = g.unary(S::Floor, at);
    taken(cx, x, dim, at)
}

/// The elements along `dim` at these places, whole floats; the last element for places after it.
fn taken(cx: &mut Cx, x: NodeId, dim: usize, at: NodeId) -> NodeId {
    let last = cx.g.shape(x)[dim].sub(&Dim::one());
    let last = cx.g.size(&last);
    let at = cx.g.binary(S::Min, at, last);
    let at = cx.g.cast(at, DType::Int);
    let what = cx.own_reads(at);
    cx.g.push(Take { dim, what }, &[x, at], None)
}

/// Linear interpolation: the second neighbour's weight is the place's distance from the first. It skips weight 0: 0 *
/// inf is NaN.
fn between(cx: &mut Cx, x: NodeId, dim: usize, s: &Along, corners: bool) -> NodeId {
    let place = place(cx, s, corners);
    let first = cx.g.unary(S::Floor, place);
    let second = cx.g.shift(first, 1.0);
    let (low, high) = (taken(cx, x, dim, first), taken(cx, x, dim, second));
    let g = &mut cx.g;
    let shape = g.shape(low).clone();
    let mut column = vec![Dim::one(); shape.len() - dim];
    column[0] = s.to.clone();
    let share = g.sub2(place, first);
    let rest = g.neg(share);
    let rest = g.shift(rest, 1.0);
    let [share, rest] = [share, rest].map(|v| {
        let v = g.reshape(v, &column);
        g.expand(v, &shape)
    });
    let zero = g.full(0.0, DType::Float, &shape);
    let counts = g.scalar(S::Gt, &[share, zero]);
    let (low, high) = (g.mul2(low, rest), g.mul2(high, share));
    let high = g.select(counts, high, zero);
    g.add2(low, high)
}

/// (to): the place in the input of each element of the result, at least 0.
fn place(cx: &mut Cx, s: &Along, corners: bool) -> NodeId {
    let g = &mut cx.g;
    let i = g.iota(&vec![s.to.clone()], 0);
    let i = g.cast(i, DType::Float);
    if corners {
        let last = g.size(&s.from.sub(&Dim::one()));
        let steps = g.size(&s.to.sub(&Dim::one()));
        let one = g.constant(1.0);
        let steps = g.binary(S::Max, steps, one);
        let ratio = g.div2(last, steps);
        return g.mul2(i, ratio);
    }
    let middle = g.shift(i, 0.5);
    let middle = match s.step {
        Some(step) => g.scale(middle, step),
        None => {
            let (from, to) = (g.size(&s.from), g.size(&s.to));
            let ratio = g.div2(from, to);
            g.mul2(middle, ratio)
        }
    };
    let place = g.shift(middle, -0.5);
    let zero = g.constant(0.0);
    g.binary(S::Max, place, zero)
}
