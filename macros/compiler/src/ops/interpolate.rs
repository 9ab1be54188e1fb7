//! Sequences and images in another size: each element of the result is one of the input's, or a mean of
//! its neighbours, by products with small matrices.

use super::adaptive::means;
use super::ops;
use super::spatial::{self, along};
use crate::args::Args;
use crate::cx::Cx;
use crate::diag::Told;
use crate::dim::{Dim, Shape};
use crate::ir::{DType, NodeId, Op};
use crate::scalar::Scalar as S;
use crate::value::{Tensor, Value};

ops! {
    "interpolate" ("input, size = null, scale_factor = null, mode = 'nearest', align_corners = null") interpolate;
}

/// One dimension: its size before and after, and the distance of neighbours in the input if a factor says
/// it; it follows from the sizes otherwise.
struct Along {
    from: Dim,
    to: Dim,
    step: Option<f64>,
}

fn interpolate(cx: &mut Cx, a: &Args) -> Told<Value> {
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
        let text = format!(
            "`mode = {mode:?}` is for {}{}\nhelp: `mode = {:?}`",
            ["sequences [N, C, L]", "images [N, C, H, W]"][dims - 1],
            cx.whence(&x),
            ["linear", "bilinear"][rank - 1]
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
            format!("`align_corners` is for the modes \"linear\" and \"bilinear\", not {mode:?}");
        return Err(cx.error(a.span_of("align_corners"), text));
    }
    let sizes = sizes(cx, a, &x, rank)?;
    if mode == "area" {
        let to: Vec<Dim> = sizes.into_iter().map(|s| s.to).collect();
        let y = means(cx, x.id, &to);
        return Ok(cx.tensor(y));
    }
    let mut y = x.id;
    for (d, s) in sizes.iter().enumerate() {
        if s.from == s.to && s.step.is_none_or(|step| step == 1.0) {
            continue;
        }
        y = match linear {
            true => {
                let weights = weights(cx, s, corners);
                along(cx, y, 2 + d, weights)
            }
            false => nearest(cx, a, y, 2 + d, s, mode == "nearest-exact"),
        };
    }
    Ok(cx.tensor(y))
}

/// What `size` or `scale_factor` says.
fn sizes(cx: &Cx, a: &Args, x: &Tensor, rank: usize) -> Told<Vec<Along>> {
    let from = cx.shape(x)[2..].to_vec();
    let (size, factor) = (a.value("size"), a.value("scale_factor"));
    let pairs = from.into_iter();
    match (&size, &factor) {
        (Value::Null, Value::Null) => {
            let text = format!("`{}` takes a `size` or a `scale_factor`", a.callee);
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
                let to = match from.value() {
                    _ if factor.fract() == 0.0 => Some(from.mul(&Dim::from(factor as i64))),
                    Some(n) => Some(Dim::from((n as f64 * factor).floor() as i64)),
                    None => None,
                };
                match to {
                    Some(to) if to.value() != Some(0) => Ok(Along {
                        from,
                        to,
                        step: Some(1.0 / factor),
                    }),
                    _ => {
                        let text = format!(
                            "`scale_factor = {factor}` of size {from} gives no size that is known{}\nhelp: give the `size`",
                            cx.whence(x)
                        );
                        Err(cx.error(a.span_of("scale_factor"), text))
                    }
                }
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

fn factors(cx: &Cx, a: &Args, rank: usize) -> Told<Vec<f64>> {
    let items = match a.value("scale_factor") {
        Value::List(items) | Value::Tuple(items) => items,
        one => vec![one],
    };
    let number = |v: &Value| match v {
        Value::Number(n, _) if *n > 0.0 => Some(*n),
        _ => None,
    };
    let list: Option<Vec<f64>> = items.iter().map(number).collect();
    match list {
        Some(list) if list.len() == 1 => Ok(vec![list[0]; rank]),
        Some(list) if list.len() == rank => Ok(list),
        _ => {
            let text = format!(
                "`scale_factor` of `{}` is a number above 0, or one for each dimension",
                a.callee
            );
            Err(cx.error(a.span_of("scale_factor"), text))
        }
    }
}

/// Each element's nearest.
fn nearest(cx: &mut Cx, a: &Args, x: NodeId, dim: usize, s: &Along, exact: bool) -> NodeId {
    let mut shape = cx.g.shape(x).clone();
    // A whole factor repeats each.
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
        // (i + 1/2) s / n, or i s / n, with as little added as keeps whole quotients whole.
        None => {
            let (from, to) = (g.size(&s.from), g.size(&s.to));
            let at = if exact { g.shift(at, 0.5) } else { at };
            let at = g.mul2(at, from);
            let at = g.shift(at, 0.25);
            g.div2(at, to)
        }
    };
    let at = g.unary(S::Floor, at);
    let last = g.size(&s.from.sub(&Dim::one()));
    let at = g.binary(S::Min, at, last);
    let at = g.cast(at, DType::Int);
    let what = a.callee.clone();
    g.push(Op::Take { dim, what }, &[x, at], None)
}

/// (to, from): what each element counts for each of the result's: 1 less its distance.
fn weights(cx: &mut Cx, s: &Along, corners: bool) -> NodeId {
    let g = &mut cx.g;
    let shape: Shape = vec![s.to.clone(), s.from.clone()];
    let (i, at) = (g.iota(&shape, 0), g.iota(&shape, 1));
    let (i, at) = (g.cast(i, DType::Float), g.cast(at, DType::Float));
    let zero = g.constant(0.0);
    let last = g.size(&s.from.sub(&Dim::one()));
    let place = if corners {
        let steps = g.size(&s.to.sub(&Dim::one()));
        let one = g.constant(1.0);
        let steps = g.binary(S::Max, steps, one);
        let ratio = g.div2(last, steps);
        g.mul2(i, ratio)
    } else {
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
        g.binary(S::Max, place, zero)
    };
    let place = g.binary(S::Min, place, last);
    let distance = g.sub2(place, at);
    let distance = g.unary(S::Abs, distance);
    let distance = g.neg(distance);
    let share = g.shift(distance, 1.0);
    g.binary(S::Max, share, zero)
}
