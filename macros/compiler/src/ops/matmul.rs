//! Matrix products of any rank, and ops built on them.

use super::ops;
use crate::args::Args;
use crate::cx::Cx;
use crate::diag::Reported;
use crate::dim::{Dim, Shape, numel};
use crate::ir::NodeId;
use crate::scalar::Scalar as S;
use crate::value::{Tensor, Value};
use proc_macro2::Span;

ops! {
    "matmul" ("input, other") |cx, a| {
        let (x, y) = (a.float(cx, "input")?, a.float(cx, "other")?);
        let id = matmul(cx, a.span, &x, &y)?;
        Ok(cx.tensor(id))
    };
    "outer" ("input, vec2") outer;
    "linear" ("input, weight, bias = None") linear_op;
}

/// The products of all pairs of elements of two vectors.
fn outer(cx: &mut Cx, a: &Args) -> Reported<Value> {
    let (mut x, mut y) = (a.tensor(cx, "input")?, a.tensor(cx, "vec2")?);
    for (t, name) in [(&x, "input"), (&y, "vec2")] {
        let rank = cx.shape(t).len();
        if rank != 1 {
            let text = format!(
                "`outer` takes vectors, but `{}` has {}{}",
                t.text,
                crate::args::count(rank, "dimension"),
                cx.origin_note(t)
            );
            return Err(cx.error(a.span_of(name), text));
        }
    }
    x.id = cx.g.unsqueeze(x.id, 1);
    y.id = cx.g.unsqueeze(y.id, 0);
    let id = cx.elementwise(S::Mul, a.span, "`outer`", &x, &y)?;
    Ok(cx.tensor(id))
}

/// NumPy's rules: vectors get a dimension that vanishes again, leading dimensions broadcast.
pub fn matmul(cx: &mut Cx, span: Span, x: &Tensor, y: &Tensor) -> Reported<NodeId> {
    let (mut a, mut b) = (x.id, y.id);
    let (ra, rb) = (cx.shape(x).len(), cx.shape(y).len());
    if ra == 0 || rb == 0 {
        let text = format!(
            "`matmul` takes matrices or vectors, not a scalar{}{}\nhelp: to multiply by a scalar, write `*`",
            cx.origin_note(x),
            cx.origin_note(y)
        );
        return Err(cx.error(span, text));
    }
    if ra == 1 {
        a = cx.g.unsqueeze(a, 0);
    }
    if rb == 1 {
        b = cx.g.unsqueeze(b, 1);
    }
    let (sa, sb) = (cx.g.shape(a).clone(), cx.g.shape(b).clone());
    let (ka, kb) = (&sa[sa.len() - 1], &sb[sb.len() - 2]);
    if !cx.same(ka, kb) {
        let text = format!(
            "`matmul` cannot multiply `{}` and `{}`: the inner dimensions are {ka} and {kb}{}{}",
            x.text,
            y.text,
            cx.origin_note(x),
            cx.origin_note(y)
        );
        let meant = rb > 1 && sb.last() == Some(ka);
        let help = if meant {
            format!("\nhelp: did you mean `{}.transpose(-2, -1)`?", y.text)
        } else {
            String::new()
        };
        return Err(cx.error(span, text + &help));
    }
    let (m, n) = (sa[sa.len() - 2].clone(), sb[sb.len() - 1].clone());
    let (lead_a, lead_b) = (sa[..sa.len() - 2].to_vec(), sb[..sb.len() - 2].to_vec());
    let (product, lead) = if lead_b.is_empty() {
        // One matrix for all: the leading dimensions are rows, too.
        let rows = numel(&sa[..sa.len() - 1]);
        let flat = cx.g.reshape(a, &vec![rows, ka.clone()]);
        (cx.g.matmul(flat, b, false, false), lead_a)
    } else {
        let lead = broadcast(cx, span, x, y, &lead_a, &lead_b)?;
        let stack = numel(&lead);
        let a = stacked(cx, a, &lead, &stack);
        let b = stacked(cx, b, &lead, &stack);
        (cx.g.matmul(a, b, false, false), lead)
    };
    let mut to = lead;
    if ra > 1 {
        to.push(m);
    }
    if rb > 1 {
        to.push(n);
    }
    Ok(cx.g.reshape(product, &to))
}

fn broadcast(cx: &Cx, span: Span, x: &Tensor, y: &Tensor, a: &Shape, b: &Shape) -> Reported<Shape> {
    let rank = a.len().max(b.len());
    let mut out = vec![Dim::one(); rank];
    for shape in [a, b] {
        for (from_end, d) in shape.iter().rev().enumerate() {
            let slot = &mut out[rank - 1 - from_end];
            if slot.is_one() {
                *slot = d.clone();
            } else if !d.is_one() && !cx.same(slot, d) {
                let text = format!(
                    "`matmul` cannot broadcast: leading sizes {slot} and {d} {}{}{}",
                    crate::cx::differ(slot, d),
                    cx.origin_note(x),
                    cx.origin_note(y)
                );
                return Err(cx.error(span, text));
            }
        }
    }
    Ok(out)
}

/// As a stack of matrices: (product of `lead`, rows, columns).
fn stacked(cx: &mut Cx, x: NodeId, lead: &Shape, stack: &Dim) -> NodeId {
    let shape = cx.g.shape(x).clone();
    let matrix = shape[shape.len() - 2..].to_vec();
    let mut whole = lead.clone();
    whole.extend(matrix.clone());
    let x = cx.g.expand(x, &whole);
    let mut flat = vec![stack.clone()];
    flat.extend(matrix);
    cx.g.reshape(x, &flat)
}

/// `y = x W' + b` with `x` (.., in), `W` (out, in), `b` (out).
pub fn linear(cx: &mut Cx, x: NodeId, weight: NodeId, bias: Option<NodeId>) -> NodeId {
    let shape = cx.g.shape(x).clone();
    let (out, inner) = (cx.g.shape(weight)[0].clone(), cx.g.shape(weight)[1].clone());
    let lead = shape[..shape.len() - 1].to_vec();
    let flat = cx.g.reshape(x, &vec![numel(&lead), inner]);
    let mut y = cx.g.matmul(flat, weight, false, true);
    if let Some(bias) = bias {
        y = cx.g.binary(S::Add, y, bias);
    }
    let mut to = lead;
    to.push(out);
    cx.g.reshape(y, &to)
}

fn linear_op(cx: &mut Cx, a: &Args) -> Reported<Value> {
    let (x, w) = (a.float(cx, "input")?, a.float(cx, "weight")?);
    let bias = a.optional_float(cx, "bias")?;
    let (sx, sw) = (cx.shape(&x), cx.shape(&w));
    let features = sx.len().checked_sub(1);
    if sw.len() != 2 || features.is_none_or(|last| !cx.same(&sx[last], &sw[1])) {
        let mistake = match (sw.as_slice(), sx.last()) {
            (_, None) => format!("`linear` takes [.., in], but `{}` is a scalar", x.text),
            ([_, inner], Some(have)) => format!(
                "`weight` of `linear` takes {inner} features, but the last dimension of `{}` has size {have}",
                x.text
            ),
            _ => format!(
                "`weight` of `linear` must be a matrix [out, in], but has {}",
                crate::args::count(sw.len(), "dimension")
            ),
        };
        let mut text = format!("{mistake}{}{}", cx.origin_note(&x), cx.origin_note(&w));
        if sw.len() == 2 && sx.last() == sw.first() {
            text += &format!(
                "\nhelp: a weight is [out, in]: did you mean `{}.t()`?",
                w.text
            );
        }
        return Err(cx.error(a.span, text));
    }
    if let Some(b) = &bias
        && !cx.same_shape(&cx.shape(b), &sw[..1])
    {
        let text = format!(
            "`bias` of `linear` must be [{}], but is {}{}",
            sw[0],
            cx.typed(b.id),
            cx.origin_line(b)
        );
        return Err(cx.error(a.span_of("bias"), text));
    }
    let y = linear(cx, x.id, w.id, bias.map(|b| b.id));
    Ok(cx.tensor(y))
}
