//! Ops that join tensors along a dimension.

use super::ops;
use super::shape::new_axis;
use crate::args::Args;
use crate::cx::Cx;
use crate::diag::Reported;
use crate::ir::NodeId;
use crate::kinds::concat::Concat;
use crate::value::{Tensor, Value};

ops! {
    "cat" ("*tensors, dim = 0") cat;
    "stack" ("*tensors, dim = 0") stack;
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
                    "`cat` needs equal sizes except in dimension {dim}, but dimension {d} of `{}` is {want}, and of `{}` {have}{}",
                    xs[0].text,
                    x.text,
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
