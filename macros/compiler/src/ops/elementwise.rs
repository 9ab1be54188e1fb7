//! Elementwise functions of one, two and three values.

use super::{integer, ops};
use crate::args::Args;
use crate::cx::Cx;
use crate::diag::Reported;
use crate::dim::Dim;
use crate::ir::{DType, NodeId, Op};
use crate::real::Real;
use crate::scalar::Scalar as S;
use crate::takes::enclosed;
use crate::value::{Tensor, Value};
use proc_macro2::Span;

ops! {
    "square" ("input") |cx, a| match integer::power(cx, a, &Value::Whole(2))? {
        Some(y) => Ok(cx.tensor(y)),
        None => float(cx, a, |cx, x| cx.g.mul2(x, x)),
    };
    "tan" ("input") |cx, a| float(cx, a, |cx, x| {
        let (s, c) = (cx.g.unary(S::Sin, x), cx.g.unary(S::Cos, x));
        cx.g.div2(s, c)
    });
    "exp2" ("input") |cx, a| float(cx, a, |cx, x| {
        let two = cx.g.constant(2.0);
        cx.g.binary(S::Pow, two, x)
    });
    "log2" ("input") |cx, a| float(cx, a, |cx, x| logarithm(cx, x, 2.0, 126.0));
    "log10" ("input") |cx, a| float(cx, a, |cx, x| logarithm(cx, x, 10.0, 37.0));
    "sinh" ("input") |cx, a| float(cx, a, |cx, x| hyperbolic(cx, x, true));
    "cosh" ("input") |cx, a| float(cx, a, |cx, x| hyperbolic(cx, x, false));
    "add" ("input, other") |cx, a| binary(cx, a, S::Add);
    "sub" ("input, other") |cx, a| binary(cx, a, S::Sub);
    "mul" ("input, other") |cx, a| binary(cx, a, S::Mul);
    "div" ("input, other") |cx, a| binary(cx, a, S::Div);
    "remainder" ("input, other") |cx, a| remainder_op(cx, a, true);
    "fmod" ("input, other") |cx, a| remainder_op(cx, a, false);
    "maximum" ("input, other") |cx, a| binary(cx, a, S::Max);
    "minimum" ("input, other") |cx, a| binary(cx, a, S::Min);
    "eq" ("input, other") |cx, a| binary(cx, a, S::Eq);
    "ne" ("input, other") |cx, a| binary(cx, a, S::Ne);
    "lt" ("input, other") |cx, a| binary(cx, a, S::Lt);
    "le" ("input, other") |cx, a| binary(cx, a, S::Le);
    "gt" ("input, other") |cx, a| binary(cx, a, S::Gt);
    "ge" ("input, other") |cx, a| binary(cx, a, S::Ge);
    "logical_and" ("input, other") |cx, a| logical(cx, a, S::And);
    "logical_or" ("input, other") |cx, a| logical(cx, a, S::Or);
    "logical_not" ("input") logical_not;
    "isnan" ("input") |cx, a| float(cx, a, |cx, x| cx.g.scalar(S::Ne, &[x, x]));
    "pow" ("input, exponent") pow;
    "where" ("condition, input, other") where_op;
    "masked_fill" ("input, mask, value") masked_fill;
    "clamp" ("input, min = None, max = None") clamp;
    "lerp" ("input, end, weight") lerp;
    "detach" ("input") |cx, a| {
        let x = a.tensor(cx, "input")?;
        let y = cx.g.push(crate::ir::Op::Detach, &[x.id], None);
        Ok(cx.tensor(y))
    };
    "float" ("input") |cx, a| cast(cx, a, DType::Float);
    "int" ("input") |cx, a| cast(cx, a, DType::Int);
    "bool" ("input") |cx, a| cast(cx, a, DType::Bool);
}

pub fn unary(cx: &mut Cx, a: &Args, f: S) -> Reported<Value> {
    if let Some(y) = integer::unary(cx, a, f)? {
        return Ok(cx.tensor(y));
    }
    float(cx, a, |cx, x| cx.g.unary(f, x))
}

/// A function of one float tensor.
pub fn float(cx: &mut Cx, a: &Args, f: impl FnOnce(&mut Cx, NodeId) -> NodeId) -> Reported<Value> {
    let x = a.float(cx, "input")?;
    let y = f(cx, x.id);
    Ok(cx.tensor(y))
}

/// The logarithm to a base: a power of the base (below `base^most`) is factored out and gives a whole number; the
/// logarithm of the rest is added. So powers of the base have whole logarithms, as far as the device's `pow` is exact.
/// The power is that of `|x|`: for negative `x` the logarithm is NaN, but its gradient is still `1 / (x ln base)`.
fn logarithm(cx: &mut Cx, x: NodeId, base: f64, most: f64) -> NodeId {
    let log = |cx: &mut Cx, x| {
        let y = cx.g.unary(S::Log, x);
        cx.g.scale(y, 1.0 / base.ln())
    };
    let size = cx.g.unary(S::Abs, x);
    let near = log(cx, size);
    let whole = cx.g.unary(S::Round, near);
    let (low, high) = (cx.g.constant(-most), cx.g.constant(most));
    let whole = cx.g.binary(S::Max, whole, low);
    let whole = cx.g.binary(S::Min, whole, high);
    let whole = cx.g.push(crate::ir::Op::Detach, &[whole], None);
    let base = cx.g.constant(base);
    let power = cx.g.binary(S::Pow, base, whole);
    let rest = cx.g.div2(x, power);
    let rest = log(cx, rest);
    cx.g.add2(whole, rest)
}

/// `sinh` and `cosh`. From 1 on, `e^|x| / 2 -+ e^-|x| / 2`; below 1, where such differences lose digits, `(u + u / (u +
/// 1)) / 2` and `1 + u^2 / (2 (u + 1))` with `u = e^x - 1`.
fn hyperbolic(cx: &mut Cx, x: NodeId, sine: bool) -> NodeId {
    let one = cx.g.constant(1.0);
    let far = cx.g.unary(S::Abs, x);
    // `e^|x| / 2` as `(e^s / 2) e^(|x| - s)`: it and its gradient are finite as long as the result is. With s =
    // 355/512, which is nearly ln 2, the difference is exact and the factor nearly 1.
    const SHIFT: f64 = 355.0 / 512.0;
    let large = cx.g.shift(far, -SHIFT);
    let large = cx.g.unary(S::Exp, large);
    let large = cx.g.scale(large, SHIFT.exp() / 2.0);
    let small = cx.g.scale(large, 4.0);
    let small = cx.g.unary(S::Recip, small);
    let f = if sine { S::Sub } else { S::Add };
    let mut outer = cx.g.scalar(f, &[large, small]);
    if sine {
        let sign = cx.g.unary(S::Sign, x);
        outer = cx.g.mul2(sign, outer);
    }
    let low = cx.g.constant(-1.0);
    let near = cx.g.binary(S::Max, x, low);
    let near = cx.g.binary(S::Min, near, one);
    let u = cx.g.unary(S::Expm1, near);
    let power = cx.g.binary(S::Add, u, one);
    let part = cx.g.div2(u, power);
    let inner = if sine {
        let sum = cx.g.add2(u, part);
        cx.g.scale(sum, 0.5)
    } else {
        let half = cx.g.scale(u, 0.5);
        let rest = cx.g.mul2(half, part);
        cx.g.binary(S::Add, rest, one)
    };
    let is_near = cx.g.binary(S::Lt, far, one);
    cx.g.select(is_near, inner, outer)
}

fn binary(cx: &mut Cx, a: &Args, f: S) -> Reported<Value> {
    let (x, y) = (a.tensor(cx, "input")?, a.tensor(cx, "other")?);
    let id = cx.elementwise(f, a.span, &format!("`{}`", a.callee), &x, &y)?;
    Ok(cx.tensor(id))
}

fn to_bool(cx: &mut Cx, x: &Tensor) -> Tensor {
    Tensor {
        id: cx.g.cast(x.id, DType::Bool),
        text: x.text.clone(),
    }
}

fn logical(cx: &mut Cx, a: &Args, f: S) -> Reported<Value> {
    let (x, y) = (a.tensor(cx, "input")?, a.tensor(cx, "other")?);
    let (x, y) = (to_bool(cx, &x), to_bool(cx, &y));
    let id = cx.elementwise(f, a.span, &format!("`{}`", a.callee), &x, &y)?;
    Ok(cx.tensor(id))
}

fn logical_not(cx: &mut Cx, a: &Args) -> Reported<Value> {
    let x = a.tensor(cx, "input")?;
    let x = to_bool(cx, &x);
    let id = cx.g.unary(S::Not, x.id);
    Ok(cx.tensor(id))
}

fn cast(cx: &mut Cx, a: &Args, to: DType) -> Reported<Value> {
    let x = a.tensor(cx, "input")?;
    let id = match to {
        DType::Int => cx.to_int(x.id, &format!("{}({})", a.callee, x.text)),
        _ => cx.as_type(&x, to),
    };
    Ok(cx.tensor(id))
}

/// Exponents with a dedicated function use it: it is exact, and defined for every sign.
fn pow(cx: &mut Cx, a: &Args) -> Reported<Value> {
    if let Some(y) = integer::power(cx, a, &a.value("exponent"))? {
        return Ok(cx.tensor(y));
    }
    let x = a.float(cx, "input")?;
    let Some(e) = a.value("exponent").number() else {
        let e = a.float(cx, "exponent")?;
        let id = cx.elementwise(S::Pow, a.span, "`pow`", &x, &e)?;
        return Ok(cx.tensor(id));
    };
    let id = match e {
        0.5 => cx.g.unary(S::Sqrt, x.id),
        e if e.fract() == 0.0 && (1.0..=8.0).contains(&e) => {
            let mut y = x.id;
            for _ in 1..e as u32 {
                y = cx.g.mul2(y, x.id);
            }
            y
        }
        -1.0 => cx.g.unary(S::Recip, x.id),
        e => {
            let e = cx.g.constant(e);
            cx.g.binary(S::Pow, x.id, e)
        }
    };
    Ok(cx.tensor(id))
}

fn select(cx: &mut Cx, a: &Args, c: &Tensor, x: &Tensor, y: &Tensor) -> Reported<Value> {
    let (x, y) = cx.promote(a.span, x, y)?;
    let shape = cx.broadcast(a.span, &format!("`{}`", a.callee), &[c, &x, &y])?;
    let ids: Vec<NodeId> = [c, &x, &y]
        .iter()
        .map(|t| cx.g.expand(t.id, &shape))
        .collect();
    let id = if cx.g[x.id].dtype == DType::Bool {
        let other = cx.g.unary(S::Not, ids[0]);
        let yes = cx.g.scalar(S::And, &[ids[0], ids[1]]);
        let no = cx.g.scalar(S::And, &[other, ids[2]]);
        cx.g.scalar(S::Or, &[yes, no])
    } else {
        cx.g.scalar(S::Where, &ids)
    };
    Ok(cx.tensor(id))
}

fn where_op(cx: &mut Cx, a: &Args) -> Reported<Value> {
    let c = a.tensor(cx, "condition")?;
    let (x, y) = (a.tensor(cx, "input")?, a.tensor(cx, "other")?);
    select(cx, a, &c, &x, &y)
}

fn masked_fill(cx: &mut Cx, a: &Args) -> Reported<Value> {
    let x = a.tensor(cx, "input")?;
    let c = a.tensor(cx, "mask")?;
    let value = integer::filling(cx, a, "value", &x)?;
    select(cx, a, &c, &value, &x)
}

/// `hardtanh`: the gradient is 0 at the bounds and outside them, but not at NaN.
pub fn hard(cx: &mut Cx, x: NodeId, bounds: [Real; 2]) -> NodeId {
    let [low, high] = bounds.map(|v| cx.g.real(&v));
    let y = cx.g.binary(S::Max, x, low);
    let y = cx.g.binary(S::Min, y, high);
    let (below, above) = (cx.g.binary(S::Le, x, low), cx.g.binary(S::Ge, x, high));
    let outside = cx.g.scalar(S::Or, &[below, above]);
    let y = cx.g.push(crate::ir::Op::Detach, &[y], None);
    cx.g.scalar(S::Where, &[outside, y, x])
}

/// The gradient is 0 at the bounds, outside them, as in PyTorch from 2.14 on, and at NaN.
pub fn clamp_to(cx: &mut Cx, x: NodeId, min: Option<Real>, max: Option<Real>) -> NodeId {
    let (mut y, mut inside) = (x, None);
    for (bound, f, within) in [(min, S::Max, S::Gt), (max, S::Min, S::Lt)] {
        if let Some(bound) = bound {
            let bound = cx.g.real(&bound);
            y = cx.g.binary(f, y, bound);
            let c = cx.g.binary(within, x, bound);
            inside = Some(match inside {
                None => c,
                Some(other) => cx.g.scalar(S::And, &[other, c]),
            });
        }
    }
    let Some(inside) = inside else {
        return x;
    };
    let y = cx.g.push(crate::ir::Op::Detach, &[y], None);
    cx.g.scalar(S::Where, &[inside, x, y])
}

fn clamp(cx: &mut Cx, a: &Args) -> Reported<Value> {
    let (min, max) = (a.value("min"), a.value("max"));
    if matches!((&min, &max), (Value::Null, Value::Null)) {
        return Err(cx.error(
            a.span,
            "`clamp` is called without `min` and `max`: it needs at least one of them",
        ));
    }
    if let Some(y) = integer::clamp(cx, a, [&min, &max])? {
        return Ok(cx.tensor(y));
    }
    let x = a.float(cx, "input")?;
    if let (Value::Tensor(_), Value::Tensor(_)) = (&min, &max) {
        let (low, high) = (a.float(cx, "min")?, a.float(cx, "max")?);
        let shape = cx.broadcast(a.span, "`clamp`", &[&x, &low, &high])?;
        let all = [&x, &low, &high].map(|t| cx.g.expand(t.id, &shape));
        let y = between(cx, all);
        return Ok(cx.tensor(y));
    }
    if matches!(min, Value::Tensor(_)) || matches!(max, Value::Tensor(_)) {
        let mut y = x;
        for (name, f) in [("min", S::Max), ("max", S::Min)] {
            if let Some(bound) = a.optional_tensor(cx, name)? {
                let id = cx.elementwise(f, a.span, "`clamp`", &y, &bound)?;
                y.id = id;
            }
        }
        return Ok(cx.tensor(y.id));
    }
    let (min, max) = (a.optional_real(cx, "min")?, a.optional_real(cx, "max")?);
    let y = clamp_to(cx, x.id, min, max);
    Ok(cx.tensor(y))
}

/// `min(max(x, low), high)` of tensors of one shape. The gradient is PyTorch's: if `low` equals `high`, x gets all of
/// it at a tie; if `low` is above `high`, `high` gets it; NaN is neither below nor above a bound.
fn between(cx: &mut Cx, [x, low, high]: [NodeId; 3]) -> NodeId {
    let g = &mut cx.g;
    let y = g.scalar(S::Max, &[x, low]);
    let y = g.scalar(S::Min, &[y, high]);
    let (below, above) = (g.scalar(S::Lt, &[x, low]), g.scalar(S::Gt, &[x, high]));
    let one = g.scalar(S::Where, &[above, high, x]);
    let one = g.scalar(S::Where, &[below, low, one]);
    let same = g.scalar(S::Eq, &[low, high]);
    let y = g.scalar(S::Where, &[same, one, y]);

    // NaN, with the gradients of comparisons with NaN.
    let sum = g.add2(low, high);
    let sum = g.push(crate::ir::Op::Detach, &[sum], None);
    let own = g.add2(x, sum);
    let outside = g.scalar(S::Or, &[below, above]);
    let none = g.push(crate::ir::Op::Detach, &[own], None);
    let own = g.scalar(S::Where, &[outside, none, own]);
    let both = g.add2(own, high);
    let crossed = g.scalar(S::Lt, &[high, low]);
    let own = g.scalar(S::Where, &[crossed, both, own]);
    let numbers = [x, low, high].map(|v| g.scalar(S::Eq, &[v, v]));
    let numbers = numbers[1..]
        .iter()
        .fold(numbers[0], |all, n| g.scalar(S::And, &[all, *n]));
    g.scalar(S::Where, &[numbers, y, own])
}

/// `x + w (y - x)` for `w < 1/2`, else `y - (1 - w) (y - x)`.
fn lerp(cx: &mut Cx, a: &Args) -> Reported<Value> {
    let (x, y, w) = (
        a.float(cx, "input")?,
        a.float(cx, "end")?,
        a.float(cx, "weight")?,
    );
    let shape = cx.broadcast(a.span, "`lerp`", &[&x, &y, &w])?;
    let (x, y, w) = (
        cx.g.expand(x.id, &shape),
        cx.g.expand(y.id, &shape),
        cx.g.expand(w.id, &shape),
    );
    // From the nearer end, so that a weight of 1 gives the other end exactly.
    let (zero, one, half) = (cx.g.constant(0.0), cx.g.constant(1.0), cx.g.constant(0.5));
    let low = cx.g.binary(S::Lt, w, half);
    let d = cx.g.sub2(y, x);
    let from_x = cx.g.select(low, d, zero);
    let from_x = cx.g.mul2(from_x, w);
    let from_x = cx.g.add2(x, from_x);
    let rest = cx.g.sub2(one, w);
    let zero = cx.g.expand(zero, &shape);
    let from_y = cx.g.scalar(S::Where, &[low, zero, d]);
    let from_y = cx.g.mul2(from_y, rest);
    let from_y = cx.g.sub2(y, from_y);
    let id = cx.g.scalar(S::Where, &[low, from_x, from_y]);
    Ok(cx.tensor(id))
}

fn remainder_op(cx: &mut Cx, a: &Args, floored: bool) -> Reported<Value> {
    let (x, y) = (a.tensor(cx, "input")?, a.tensor(cx, "other")?);
    let what = format!("`{}`", a.callee);
    let id = remainder(cx, a.span, &what, (&x, &y), floored)?;
    Ok(cx.tensor(id))
}

/// The remainder of a quotient: `floored`, of one that is rounded down, so that it has the sign of the divisor, as `%` in
/// Python; otherwise of one that is rounded towards zero. The divisor of integers must be known not to be 0.
pub fn remainder(
    cx: &mut Cx,
    span: Span,
    what: &str,
    (x, y): (&Tensor, &Tensor),
    floored: bool,
) -> Reported<NodeId> {
    let (p, q) = cx.promote(span, x, y)?;
    let integers = cx.g[p.id].dtype != DType::Float;
    if let Op::Size(d) = cx.g[q.id].op.clone() {
        let why = format!("the divisor of {what} must not be 0");
        cx.at_least(&d, &Dim::one(), span, &why)?;
    } else if integers && matches!(cx.g[q.id].op, Op::Whole(0)) {
        return Err(cx.error(span, format!("the divisor of {what} is 0")));
    } else if integers && cx.may_be(q.id, 0) {
        let text = format!(
            "the divisor of {what} may be 0: `{}` is {}\nnote: among integers the divisor must be a number or a size\nhelp: among floats the divisor may be 0, and the result is NaN: `{}.float()`",
            y.text,
            cx.typed(y.id),
            enclosed(&y.text)
        );
        return Err(cx.error(span, text));
    }
    let r = cx.elementwise(S::Fmod, span, what, x, y)?;
    if !floored {
        return Ok(r);
    }
    let shape = cx.g.shape(r).clone();
    let zero = match integers {
        true => cx.g.whole(0),
        false => cx.g.constant(0.0),
    };
    let zero = cx.g.expand(zero, &shape);
    let q = match integers {
        true => q.id,
        false => cx.to_float(&q).id,
    };
    let q = cx.g.expand(q, &shape);
    if integers && cx.is_unsigned(r) && cx.is_unsigned(q) {
        return Ok(r);
    }
    let other = cx.g.scalar(S::Ne, &[r, zero]);
    let (low, negative) = (
        cx.g.scalar(S::Lt, &[r, zero]),
        cx.g.scalar(S::Lt, &[q, zero]),
    );
    // The signs differ.
    let differ = cx.g.scalar(S::And, &[low, negative]);
    let either = cx.g.scalar(S::Or, &[low, negative]);
    let same = cx.g.unary(S::Not, differ);
    let differ = cx.g.scalar(S::And, &[either, same]);
    let wrong = cx.g.scalar(S::And, &[other, differ]);
    // Of different signs: the sum does not overflow.
    let moved = cx.g.scalar(S::Add, &[r, q]);
    let y = cx.g.scalar(S::Where, &[wrong, moved, r]);
    let (least, most) = cx.range(q);
    if integers && least > 0 {
        cx.ranges.insert(y, (0, most - 1));
    }
    Ok(y)
}
