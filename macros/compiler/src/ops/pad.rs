//! Padding: with a number, or with the value itself.

use super::ops;
use super::slice::slice_dim;
use crate::args::{Args, several};
use crate::cx::Cx;
use crate::diag::Reported;
use crate::dim::{Dim, Shape};
use crate::ir::{DType, NodeId};
use crate::kinds::concat::Concat;
use crate::kinds::flip::Flip;
use crate::kinds::pad::Pad;
use crate::scalar::Scalar as S;
use crate::value::{Tensor, Value, whole_number};
use netform_core::Number;
use proc_macro2::Span;

ops! {
    "pad" ("input, pad, mode = \"constant\", value = 0.0") pad;
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
