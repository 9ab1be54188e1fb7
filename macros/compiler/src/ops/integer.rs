//! Elementwise functions whose results are integers if their operands are (booleans if their operands are booleans):
//! PyTorch's promotion. Results that do not fit in 64 bits are errors at run time.
//!
//! Takes a call's arguments; returns the node, or `None` if the function is one of floats.

use crate::args::Args;
use crate::cx::Cx;
use crate::diag::Reported;
use crate::ir::{DType, NodeId, Op};
use crate::scalar::Scalar as S;
use crate::value::{Tensor, Value, nearest};
use netform_core::Number;

/// The element type of the argument `input`, if it is not the float type.
fn whole(cx: &mut Cx, a: &Args) -> Reported<Option<(Tensor, DType)>> {
    let x = a.tensor(cx, "input")?;
    let dtype = cx.g[x.id].dtype;
    cx.small(x.id, &x.text, a.span_of("input"))?;
    Ok((dtype != DType::Float).then_some((x, dtype)))
}

/// A number in the shape of a value.
fn number(cx: &mut Cx, v: i64, like: NodeId) -> NodeId {
    let shape = cx.g.shape(like).clone();
    cx.g.filled(Number::Int(v), &shape)
}

/// `neg`, `abs`, `sign`, `relu`, `floor`, `ceil` and `round`.
pub fn unary(cx: &mut Cx, a: &Args, f: S) -> Reported<Option<NodeId>> {
    let Some((x, dtype)) = whole(cx, a)? else {
        return Ok(None);
    };
    if dtype == DType::Bool {
        return Ok((f == S::Sign).then_some(x.id));
    }
    let zero = number(cx, 0, x.id);
    let text = format!("{}({})", a.callee, x.text);
    Ok(Some(match f {
        S::Neg => cx.integers(S::Sub, zero, x.id, a.span, &text)?,
        S::Abs if cx.is_unsigned(x.id) => x.id,
        S::Abs => {
            let turned = cx.integers(S::Sub, zero, x.id, a.span, &text)?;
            let below = cx.g.scalar(S::Lt, &[x.id, zero]);
            let y = cx.g.scalar(S::Where, &[below, turned, x.id]);
            cx.not_negative(y);
            y
        }
        S::Sign => {
            let (one, minus) = (number(cx, 1, x.id), number(cx, -1, x.id));
            let (above, below) = (
                cx.g.scalar(S::Gt, &[x.id, zero]),
                cx.g.scalar(S::Lt, &[x.id, zero]),
            );
            let rest = cx.g.scalar(S::Where, &[below, minus, zero]);
            cx.g.scalar(S::Where, &[above, one, rest])
        }
        S::Relu => {
            let above = cx.g.scalar(S::Gt, &[x.id, zero]);
            let y = cx.g.scalar(S::Where, &[above, x.id, zero]);
            cx.not_negative(y);
            y
        }
        S::Floor | S::Ceil | S::Round => x.id,
        _ => return Ok(None),
    }))
}

/// A power with a whole exponent. A negative exponent is an error, as in PyTorch, unless the base is a number or a size:
/// `2 ** -1` is a float, as in Python.
pub fn power(cx: &mut Cx, a: &Args, exponent: &Value) -> Reported<Option<NodeId>> {
    let Some((x, _)) = whole(cx, a)? else {
        return Ok(None);
    };
    let e = match exponent {
        Value::Whole(e @ 0..) => u64::try_from(*e).unwrap_or(u64::MAX),
        Value::Whole(_) if a.value("input").is_number() => return Ok(None),
        Value::Whole(_) => {
            let text = format!(
                "an integer cannot have a negative exponent\nhelp: convert the base: `{}.float()`",
                x.text
            );
            return Err(cx.error(a.span_of("exponent"), text));
        }
        Value::Tensor(t)
            if cx.g[t.id].dtype != DType::Float
                && matches!(cx.g[x.id].op, Op::Whole(_))
                && cx.is_unsigned(t.id) =>
        {
            return power_of_number(cx, a, (x.id, t)).map(Some);
        }
        Value::Tensor(t) if cx.g[t.id].dtype != DType::Float => {
            let text = format!(
                "`pow` of integers needs one number as its exponent, but `{}` is the tensor {}\nhelp: for a result of floats, convert the exponent: `{}.float()`",
                t.text,
                cx.typed(t.id),
                t.text
            );
            return Err(cx.error(a.span_of("exponent"), text));
        }
        _ => return Ok(None),
    };
    let (text, name) = (format!("{}({}, {e})", a.callee, x.text), x.text);
    let x = cx.g.cast(x.id, DType::Int);
    // By squaring: only squares that are factors are computed, so that an overflow is an overflow of the result.
    let (mut y, mut square, mut left, mut factor) = (None, x, e, 1);
    while left > 0 {
        if left % 2 == 1 {
            y = Some(match y {
                None => square,
                Some(y) => cx.integers(S::Mul, y, square, a.span, &text)?,
            });
        }
        left /= 2;
        if left > 0 {
            // A message names a factor that does not fit as a power.
            factor *= 2;
            let power = format!("pow({name}, {factor})");
            let outer = std::mem::replace(&mut cx.expression, power);
            let made = cx.integers(S::Mul, square, square, a.span, &text);
            cx.expression = outer;
            square = made?;
        }
    }
    let y = y.unwrap_or_else(|| number(cx, 1, x));
    if e % 2 == 0 {
        cx.not_negative(y);
    }
    Ok(Some(y))
}

/// A number to the power of integers that are not below 0, as in `2 ** i`: the product of `b^(2^k)` for each bit `k` of
/// the exponent.
fn power_of_number(cx: &mut Cx, a: &Args, (b, e): (NodeId, &Tensor)) -> Reported<NodeId> {
    let Op::Whole(base) = cx.g[b].op else {
        return Ok(b);
    };
    let text = format!("{}({base}, {})", a.callee, e.text);
    let e = cx.g.cast(e.id, DType::Int);
    let one = number(cx, 1, e);
    let (mut y, mut square) = (one, i64::try_from(base).ok());
    for bit in 0..63 {
        let place = number(cx, 1 << bit, e);
        let Some(factor) = square else {
            // A power that does not fit: the largest integer, times a base of at least 2 in size.
            let more = cx.g.scalar(S::Ge, &[e, place]);
            for factor in [i64::MAX, nearest(base)] {
                let factor = number(cx, factor, e);
                let factor = cx.g.scalar(S::Where, &[more, factor, one]);
                y = cx.integers(S::Mul, y, factor, a.span, &text)?;
            }
            break;
        };
        let digits = match 1i64.checked_shl(bit + 1).filter(|m| *m > 0) {
            Some(modulus) => {
                let modulus = number(cx, modulus, e);
                cx.g.scalar(S::Fmod, &[e, modulus])
            }
            None => e,
        };
        let set = cx.g.scalar(S::Ge, &[digits, place]);
        let factor = number(cx, factor, e);
        let factor = cx.g.scalar(S::Where, &[set, factor, one]);
        y = cx.integers(S::Mul, y, factor, a.span, &text)?;
        // Powers of 0, 1 and -1 repeat.
        if base.abs() <= 1 {
            let zero = number(cx, 0, e);
            let above = cx.g.scalar(S::Gt, &[e, zero]);
            return Ok(match base {
                0 => cx.g.scalar(S::Where, &[above, zero, one]),
                _ => y,
            });
        }
        square = square.and_then(|s| s.checked_mul(s));
    }
    Ok(y)
}

/// Between bounds that are no floats: numbers, tensors or `None`.
pub fn clamp(cx: &mut Cx, a: &Args, bounds: [&Value; 2]) -> Reported<Option<NodeId>> {
    let Some((mut x, _)) = whole(cx, a)? else {
        return Ok(None);
    };
    let float = |cx: &Cx, v: &Value| match v {
        Value::Number(_) | Value::Real(_) => true,
        Value::Tensor(t) => cx.g[t.id].dtype == DType::Float,
        _ => false,
    };
    if bounds.iter().any(|v| float(cx, v)) {
        return Ok(None);
    }
    for (value, f) in bounds.into_iter().zip([S::Max, S::Min]) {
        let text = match value {
            Value::Whole(v) => v.to_string(),
            _ => "a bound".to_owned(),
        };
        if let Some(bound) = cx.lift(value, &text) {
            x.id = cx.elementwise(f, a.span, &format!("`{}`", a.callee), &x, &bound)?;
        }
    }
    Ok(Some(x.id))
}

/// A value in the type of the tensor that it fills.
pub fn filling(cx: &mut Cx, a: &Args, name: &str, of: &Tensor) -> Reported<Tensor> {
    let value = a.tensor(cx, name)?;
    let to = cx.g[of.id].dtype;
    let id = match cx.g[value.id].op {
        Op::Const(_) | Op::Whole(_) => cx.as_type(&value, to),
        _ if to == DType::Int => cx.to_int(value.id, &value.text),
        _ => cx.as_type(&value, to),
    };
    cx.small(id, &value.text, a.span_of(name))?;
    Ok(Tensor {
        id,
        text: value.text,
    })
}
