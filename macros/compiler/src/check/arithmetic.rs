//! Arithmetic on the sizes and numbers of declarations.

use super::collect::names;
use crate::ast::{self, Expr, ExprKind};
use crate::cx::{Cx, WHOLE};
use crate::diag::Reported;
use crate::dim::Operator;
use crate::net::Net;
use crate::value::{Value, nearest};
use proc_macro2::{Ident, Span};

/// Functions from numbers to integers. `int` rounds towards zero, and `round` to the nearest even integer, as in Python.
const ROUNDINGS: &[&str] = &["floor", "ceil", "round", "int", "trunc"];

/// Whether `floor` of it is a quotient of sizes, rounded down.
pub(super) fn is_quotient(e: &Expr) -> bool {
    matches!(e.kind, ExprKind::Binary(ast::Op::Div, ..))
}

/// Whether a function makes an integer of a number.
pub fn rounds(name: &str) -> bool {
    ROUNDINGS.contains(&name)
}

/// Whether a function makes a number of so many numbers.
pub fn is_of_numbers(name: &str, count: usize) -> bool {
    match count {
        1 => rounds(name),
        2 => name == "max" || name == "min",
        _ => false,
    }
}

/// The integer nearest to a number, or the larger or smaller of two numbers; `None` of other values.
pub fn of_numbers(name: &str, values: &[&Value]) -> Option<Value> {
    if !is_of_numbers(name, values.len()) {
        return None;
    }
    let [x, y] = values else {
        let v = match values.first()? {
            Value::Number(v) => *v,
            whole @ (Value::Whole(_) | Value::Dim(_)) => return Some((*whole).clone()),
            _ => return None,
        };
        let v = match name {
            "floor" => v.floor(),
            "ceil" => v.ceil(),
            "round" => v.round_ties_even(),
            _ => v.trunc(),
        };
        #[allow(clippy::cast_possible_truncation)]
        return (v.abs() < 2.0_f64.powi(63)).then(|| Value::Whole(v as i128));
    };
    let first = match (x.number(), y.number()) {
        _ if let (Value::Whole(a), Value::Whole(b)) = (x, y) => a >= b,
        (Some(a), Some(b)) => a >= b,
        // Of two sizes with a known difference, one is larger whatever their values are.
        _ => x.as_dim()?.sub(&y.as_dim()?).value()? >= 0,
    };
    Some(if first == (name == "max") {
        (*x).clone()
    } else {
        (*y).clone()
    })
}

/// A power: a size, if it is one of a size and the exponent is whole.
pub(super) fn power(cx: &Cx, span: Span, base: &Value, exponent: &Value) -> Reported<Value> {
    if let (Some(base), Value::Whole(n @ 0..=64)) = (base.as_dim(), exponent) {
        let power = base.power(nearest(*n));
        // One that does not fit is a float.
        if (power.terms()).all(|(c, _)| c.unsigned_abs() < i64::MAX.unsigned_abs()) {
            return Ok(Value::of_dim(power));
        }
    }
    let (Some(base), Some(exponent)) = (base.real(), exponent.real()) else {
        let text = "a power in a declaration takes numbers: `2 ** 3`, `D ** -0.5`";
        return Err(cx.error(span, text));
    };
    Ok(Value::of_real(base.with(Operator::Pow, &exponent)))
}

/// How a quotient becomes an integer. In a field's network, the sizes that the field gives decide.
fn mended(net: &Net, left: &Expr, right: &Expr) -> String {
    let mut sizes = Vec::new();
    names(left, &mut sizes);
    names(right, &mut sizes);
    let given = |name: &Ident| net.generics.iter().any(|g| g.name == *name);
    if net.prefix.is_empty() || sizes.is_empty() || !sizes.iter().all(given) {
        return format!("to round down, write `floor({})`", quotient_of(left, right));
    }
    let level = ast::Op::Rem.level();
    let condition = format!("{} % {} == 0", left.above(level), right.above(level + 1));
    let size = match (&left.kind, &right.kind) {
        (ExprKind::Name(_), ExprKind::Whole(2)) => "an even size".to_owned(),
        (ExprKind::Name(_), ExprKind::Whole(n)) => format!("a multiple of {n}"),
        _ => format!("sizes with `{condition}`"),
    };
    format!(
        "use {size}\nnote: to require this, add `where {condition}` to the declaration of `{}`",
        net.name
    )
}

/// A quotient as it is written.
fn quotient_of(left: &Expr, right: &Expr) -> String {
    let level = ast::Op::Div.level();
    format!("{} / {}", left.above(level), right.above(level + 1))
}

/// Arithmetic on sizes and numbers.
///
/// Each operand is given as it is written and as its value.
pub fn arithmetic(
    cx: &mut Cx,
    net: &Net,
    span: Span,
    op: ast::Op,
    (left, x): (&Expr, &Value),
    (right, y): (&Expr, &Value),
) -> Reported<Value> {
    if let (Value::Whole(a), Value::Whole(b)) = (x, y)
        && let Some(all) = whole(op, *a, *b)
    {
        return all.map(Value::Whole).ok_or_else(|| {
            let text = format!("`{a} {} {b}` is outside the 64-bit integers", op.symbol());
            cx.error(span, text)
        });
    }
    if let (Some(a), Some(b)) = (x.number(), y.number())
        && let Some(holds) = compared(op, a, b)
    {
        let text = format!(
            "`{} {} {}` is always {holds}: write `{holds}`",
            x.shown(),
            op.symbol(),
            y.shown()
        );
        return Err(cx.error(span, text));
    }
    if let (Some(a), Some(b)) = (x.as_dim(), y.as_dim()) {
        if op == ast::Op::Div
            && let (Some(p), Some(q)) = (a.value(), b.value())
            && (q == 0 || p % q != 0)
        {
            let (written, values) = (quotient_of(left, right), format!("{p} / {q}"));
            let value = match written == values {
                true => String::new(),
                false => format!(": {values}"),
            };
            let text = match q {
                0 => format!("the size `{written}` divides by 0{value}"),
                _ => format!(
                    "the size `{written}` is not an integer{value}\nhelp: {}",
                    mended(net, left, right)
                ),
            };
            return Err(cx.error(span, text));
        }
        let d = match op {
            ast::Op::Add => a.add(&b),
            ast::Op::Sub => a.sub(&b),
            ast::Op::Mul => a.mul(&b),
            ast::Op::Div if net.is_open(&a) || net.is_open(&b) => {
                cx.open_quotient(&a, &b, span, WHOLE)
            }
            ast::Op::Div => cx.divides(&a, &b, span, WHOLE)?,
            ast::Op::Rem if b.value() == Some(0) => {
                let text = format!("`{} % {}` divides by 0", left, right);
                return Err(cx.error(span, text));
            }
            ast::Op::Rem => a.sub(&a.div_floor(&b).mul(&b)),
            _ => {
                let text = format!("`{}` between sizes is allowed only in `where`", op.symbol());
                return Err(cx.error(span, text));
            }
        };
        return Ok(Value::of_dim(d));
    }
    if let (Some(a), Some(b)) = (x.real(), y.real()) {
        let v = match op {
            ast::Op::Add => a.with(Operator::Add, &b),
            ast::Op::Sub => a.with(Operator::Sub, &b),
            ast::Op::Mul => a.with(Operator::Mul, &b),
            ast::Op::Div => a.with(Operator::Div, &b),
            _ => {
                let text = format!("`{}` is not allowed between numbers here", op.symbol());
                return Err(cx.error(span, text));
            }
        };
        return Ok(Value::of_real(v));
    }
    let text = format!(
        "`{}` takes numbers and sizes, not {} and {}",
        op.symbol(),
        x.shown(),
        y.shown()
    );
    Err(cx.error(span, text))
}

/// The outcome of a comparison of two numbers; `None` for another operator.
fn compared(op: ast::Op, a: f64, b: f64) -> Option<bool> {
    Some(match op {
        ast::Op::Eq => a == b,
        ast::Op::Ne => a != b,
        ast::Op::Lt => a < b,
        ast::Op::Le => a <= b,
        ast::Op::Gt => a > b,
        ast::Op::Ge => a >= b,
        _ => return None,
    })
}

/// A sum, difference, product, exact quotient or remainder of whole numbers; `Some(None)` on overflow, `None` for another
/// operator.
fn whole(op: ast::Op, a: i128, b: i128) -> Option<Option<i128>> {
    match op {
        ast::Op::Add => Some(a.checked_add(b)),
        ast::Op::Sub => Some(a.checked_sub(b)),
        ast::Op::Mul => Some(a.checked_mul(b)),
        ast::Op::Div if b != 0 && a.checked_rem(b) == Some(0) => Some(a.checked_div(b)),
        ast::Op::Rem if b > 0 => Some(a.checked_rem_euclid(b)),
        _ => None,
    }
}
