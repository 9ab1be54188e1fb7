//! Positions in a sequence: sinusoids to be added (Vaswani et al., 2017, section 3.5), and rotations of queries and
//! keys (Su et al., 2021).
//!
//! Pair `i` of `d` features is rotated by the angle `position / base^(2 i / d)`.

use super::ops;
use crate::args::Args;
use crate::cx::Cx;
use crate::diag::Reported;
use crate::dim::{Dim, Shape, show_shape};
use crate::ir::{DType, NodeId, Op};
use crate::kinds::concat::Concat;
use crate::real::Real;
use crate::scalar::Scalar as S;
use crate::value::{Tensor, Value};

ops! {
    "sinusoidal_positions" ("length, d_model, base = 10000.0") sinusoidal;
    "rotary" ("input, base = 10000.0, positions = None, interleaved = true") rotary;
}

/// The base of the angles, which must be positive.
fn base(cx: &Cx, a: &Args) -> Reported<Real> {
    let base = a.real(cx, "base")?;
    if base.known().is_none_or(|base| base > 0.0) {
        return Ok(base);
    }
    let text = format!("`base` of `{}` must be above 0, not {base}", a.callee);
    Err(cx.error(a.span_of("base"), text))
}

/// `position / base^(2 i / d)` for positions (.., T, 1) and pairs (.., T, n), as floats.
fn angles(cx: &mut Cx, position: NodeId, pair: NodeId, d: &Dim, base: &Real) -> NodeId {
    let d = cx.g.size(d);
    let rate = cx.g.scale_by(pair, &base.ln().times(-2.0));
    let rate = cx.g.binary(S::Div, rate, d);
    let rate = cx.g.unary(S::Exp, rate);
    let shape = cx.g.shape(rate).clone();
    let position = cx.g.expand(position, &shape);
    cx.g.mul2(position, rate)
}

/// `pe[t, 2i] = sin(t / base^(2i/d))`, `pe[t, 2i+1] = cos(t / base^(2i/d))`.
fn sinusoidal(cx: &mut Cx, a: &Args) -> Reported<Value> {
    let (length, d) = (a.dim(cx, "length")?, a.dim(cx, "d_model")?);
    let base = base(cx, a)?;
    let shape = vec![length, d.clone()];
    let (row, column) = (cx.g.iota(&shape, 0), cx.g.iota(&shape, 1));
    let (row, column) = (
        cx.g.cast(row, DType::Float),
        cx.g.cast(column, DType::Float),
    );
    let pair = cx.g.scale(column, 0.5);
    let pair = cx.g.unary(S::Floor, pair);
    let angle = angles(cx, row, pair, &d, &base);
    let even = cx.g.scale(pair, 2.0);
    let even = cx.g.scalar(S::Eq, &[even, column]);
    let (sin, cos) = (cx.g.unary(S::Sin, angle), cx.g.unary(S::Cos, angle));
    let y = cx.g.scalar(S::Where, &[even, sin, cos]);
    Ok(cx.tensor(y))
}

/// Rotates each pair `(x, y)` of features: `(x cos - y sin, x sin + y cos)`. A pair is two neighbours, as in the paper,
/// or, if not `interleaved`, features `i` and `i + d / 2`, as in GPT-NeoX and Llama's weights in Hugging Face's form.
fn rotary(cx: &mut Cx, a: &Args) -> Reported<Value> {
    let x = a.float(cx, "input")?;
    let base = base(cx, a)?;
    let shape = cx.shape(&x);
    let rank = shape.len();
    if rank < 2 {
        let text = format!(
            "`rotary` takes [.., T, C], but `{}` has {}{}",
            x.text,
            crate::args::count(rank, "dimension"),
            cx.origin_note(&x)
        );
        return Err(cx.error(a.span_of("input"), text));
    }
    let d = shape[rank - 1].clone();
    let why = "`rotary` needs an even number of features";
    let half = cx.divides(&d, &Dim::from(2), a.span_of("input"), why)?;
    let position = positions(cx, a, &shape[..rank - 1])?;
    let mut turns = cx.g.shape(position).clone();
    let last = turns.len() - 1;
    turns[last] = half.clone();
    let pair = cx.g.iota(&turns, last);
    let pair = cx.g.cast(pair, DType::Float);
    let angle = angles(cx, position, pair, &d, &base);
    let (sin, cos) = (cx.g.unary(S::Sin, angle), cx.g.unary(S::Cos, angle));
    // Pairs side by side: (.., T, d / 2, 2), or (.., T, 2, d / 2).
    let interleaved = a.flag(cx, "interleaved")?;
    let mut apart: Shape = shape[..rank - 1].to_vec();
    let two = Dim::from(2);
    apart.extend(match interleaved {
        true => [half.clone(), two],
        false => [two, half.clone()],
    });
    let at = if interleaved { rank } else { rank - 1 };
    let pairs = cx.g.reshape(x.id, &apart);
    let mut one = shape[..rank - 1].to_vec();
    one.push(half);
    let part = |cx: &mut Cx, k: i64| {
        let mut start = vec![Dim::from(0); rank + 1];
        start[at] = Dim::from(k);
        let mut size = apart.clone();
        size[at] = Dim::one();
        let step = vec![1; rank + 1];
        let y = cx.g.push(Op::Slice { start, step }, &[pairs], Some(size));
        cx.g.reshape(y, &one)
    };
    let (first, second) = (part(cx, 0), part(cx, 1));
    let (sin, cos) = (cx.g.expand(sin, &one), cx.g.expand(cos, &one));
    let (a0, a1) = (cx.g.mul2(first, cos), cx.g.mul2(second, sin));
    let (b0, b1) = (cx.g.mul2(first, sin), cx.g.mul2(second, cos));
    let turned = [cx.g.sub2(a0, a1), cx.g.add2(b0, b1)];
    let turned = turned.map(|y| cx.g.unsqueeze(y, at));
    let y = cx.g.push(Concat { dim: at }, &turned, None);
    let y = cx.g.reshape(y, &shape);
    Ok(cx.tensor(y))
}

/// (.., T, 1) floats: 0, 1, .., or the given positions, which broadcast to the elements (.., T).
fn positions(cx: &mut Cx, a: &Args, elements: &[Dim]) -> Reported<NodeId> {
    let length = &elements[elements.len() - 1];
    let Some(given) = a.optional_tensor(cx, "positions")? else {
        let position = cx.g.iota(&vec![length.clone(), Dim::one()], 0);
        return Ok(cx.g.cast(position, DType::Float));
    };
    let mut column = cx.shape(&given);
    let mut pairs = column.iter().rev().zip(elements.iter().rev());
    let fits = (1..=elements.len()).contains(&column.len())
        && cx.same(&column[column.len() - 1], length)
        && pairs.all(|(p, e)| p.is_one() || cx.same(p, e));
    if !fits {
        let each = match (elements, column.as_slice()) {
            ([batch, time], [one]) if batch == one => format!(
                "\nhelp: for one position per sample, write `{}.unsqueeze(1).expand({batch}, {time})`",
                crate::takes::enclosed(&given.text)
            ),
            _ => String::new(),
        };
        let text = format!(
            "`positions` of `rotary` must broadcast to {}, but is {}{}\nhelp: for one position per element of a sequence, pass positions of shape [{length}]{each}",
            show_shape(elements),
            cx.typed(given.id),
            cx.origin_line(&given)
        );
        return Err(cx.error(a.span_of("positions"), text));
    }
    let Tensor { id, .. } = cx.to_float(&given);
    column.push(Dim::one());
    Ok(cx.g.reshape(id, &column))
}
