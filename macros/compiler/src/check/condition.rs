//! Conditions on constants, from expressions: whether `S != 1` holds.

use super::conditions::{decided, remainder};
use super::{booleans, collect, constant};
use crate::ast::{Expr, ExprKind, Op};
use crate::condition::Condition;
use crate::cx::Cx;
use crate::diag::{Diag, ErrorReported, Reported};
use crate::dim::Dim;
use crate::net::Net;
use crate::value::{Value, nearest};
use proc_macro2::Ident;

/// Whether a condition holds; an undecided one is recorded. `named` are the named dimensions of the
/// function, whose sizes are not constants; a declaration has none.
pub fn holds(net: &Net, cx: &mut Cx, e: &Expr, named: Option<&[String]>) -> Reported<bool> {
    let condition = condition(net, cx, e, named)?;
    net.equal.decide(&condition).ok_or_else(|| {
        cx.diag.undecided(condition, e.to_string(), e.span);
        ErrorReported
    })
}

fn condition(net: &Net, cx: &mut Cx, e: &Expr, named: Option<&[String]>) -> Reported<Condition> {
    let both = |cx: &mut Cx, a: &Expr, b: &Expr| {
        let (a, b) = (condition(net, cx, a, named), condition(net, cx, b, named));
        Ok((Box::new(a?), Box::new(b?)))
    };
    Ok(match &e.kind {
        ExprKind::Bool(holds) => Condition::Known(*holds),
        ExprKind::Not(a) => condition(net, cx, a, named)?.opposite(),
        ExprKind::Binary(Op::And, a, b) => both(cx, a, b).map(|(a, b)| Condition::And(a, b))?,
        ExprKind::Binary(Op::Or, a, b) => both(cx, a, b).map(|(a, b)| Condition::Or(a, b))?,
        ExprKind::Name(n) if net.is_boolean(&n.to_string()) => {
            let value = net.constant(&n.to_string()).and_then(|v| v.as_dim());
            let value = value.ok_or(ErrorReported)?;
            Condition::Equal(value, Dim::one())
        }
        ExprKind::Binary(op, a, b) if op.level() == Op::Eq.level() => {
            // `D % 2 == 0`.
            if let ExprKind::Binary(Op::Rem, p, q) = &a.kind
                && let Op::Eq | Op::Ne = op
            {
                let p = size(net, cx, p, named)?;
                let q = size(net, cx, q, named)?;
                let whole =
                    |rest: Dim| Condition::Equal(p.div_floor(&q).mul(&q).add(&rest), p.clone());
                // Of two remainders by 2, one holds if the other does not.
                if let (ExprKind::Whole(rest), Some(by)) = (&b.kind, q.value())
                    && let Some(rest) = remainder(*op, nearest(*rest), Some(by))
                {
                    return Ok(whole(Dim::from(rest)));
                }
                let rest = size(net, cx, b, named)?;
                if rest
                    .value()
                    .is_some_and(|r| r < 0 || q.value().is_some_and(|q| r >= q))
                {
                    return Err(cx.error(e.span, decided(e, *op)));
                }
                let whole = whole(rest);
                return Ok(if *op == Op::Eq {
                    whole
                } else {
                    whole.opposite()
                });
            }
            if let Some(holds) = compared(net, *op, a, b) {
                return Ok(Condition::Known(holds));
            }
            let x = size(net, cx, a, named)?;
            let y = size(net, cx, b, named)?;
            match op {
                Op::Ge => Condition::AtLeast(x, y),
                Op::Le => Condition::AtLeast(y, x),
                Op::Lt => Condition::AtLeast(x, y).opposite(),
                Op::Gt => Condition::AtLeast(y, x).opposite(),
                Op::Eq => equal(cx, e, x, y)?,
                _ => equal(cx, e, x, y)?.opposite(),
            }
        }
        ExprKind::Name(n) if n == "training" => {
            let text = "`training` cannot be joined with other conditions\nhelp: write one `if` inside the other";
            return Err(cx.error(e.span, text));
        }
        _ => {
            let text = format!(
                "`{e}` is not a condition on constants\nhelp: compare sizes, as in `S != 1`, and join comparisons with `&&` and `||`"
            );
            return Err(cx.error(e.span, text));
        }
    })
}

/// The outcome of a comparison of numbers, one of which is a fraction or an `f64`.
#[allow(clippy::float_cmp)]
fn compared(net: &Net, op: Op, a: &Expr, b: &Expr) -> Option<bool> {
    let float = |e: &Expr| {
        let mut names = Vec::new();
        collect::names(e, &mut names);
        let is_float = |n: &Ident| matches!(net.constant(&n.to_string()), Some(Value::Number(_)));
        matches!(e.kind, ExprKind::Number(_)) || names.iter().any(is_float)
    };
    if !(float(a) || float(b)) {
        return None;
    }
    let number = |e: &Expr| {
        let diag = Diag::default();
        constant::number(net, &mut Cx::new(&diag, false), e)
            .ok()?
            .number()
    };
    let (a, b) = (number(a)?, number(b)?);
    Some(match op {
        Op::Eq => a == b,
        Op::Ne => a != b,
        Op::Lt => a < b,
        Op::Le => a <= b,
        Op::Gt => a > b,
        _ => a >= b,
    })
}

/// Two sizes that are not numbers are at least 1: then `C` and `2*C` differ, which rustc checks.
fn equal(cx: &mut Cx, e: &Expr, a: Dim, b: Dim) -> Reported<Condition> {
    let difference = a.sub(&b);
    let signs: Vec<i64> = difference.terms().map(|(c, _)| c.signum()).collect();
    let one_sign = signs.iter().all(|s| *s == signs[0]);
    if a.value().is_none() && b.value().is_none() && difference.value().is_none() && one_sign {
        let size = if signs[0] > 0 { difference } else { b.sub(&a) };
        let why = format!("`{e}` compares sizes of at least 1");
        cx.at_least(&size, &Dim::one(), e.span, &why)?;
        return Ok(Condition::Known(false));
    }
    Ok(Condition::Equal(a, b))
}

/// A size in a condition.
fn size(net: &Net, cx: &mut Cx, e: &Expr, named: Option<&[String]>) -> Reported<Dim> {
    let note = match named {
        Some(_) => {
            "\nnote: an `if` can test only `training`, or compare const parameters and Rust constants\nhelp: `where(condition, a, b)` chooses element by element"
        }
        None => "\nnote: `#[when]` compares const parameters and Rust constants",
    };
    if let Some(other) = not_a_size(e) {
        let text = format!("`{other}` is not a constant{note}");
        return Err(cx.error(other.span, text));
    }
    let mut names = Vec::new();
    collect::names(e, &mut names);
    let unknown = names
        .iter()
        .find(|n| net.constant(&n.to_string()).is_none());
    if let Some(name) = unknown {
        let text = name.to_string();
        let mut help = String::new();
        let dimension = named.is_some_and(|all| all.contains(&text));
        if !dimension && super::is_constant(&text) {
            help = format!(
                "\nhelp: if `{name}` is a Rust constant, write `use const {name};` before `struct {}`",
                net.name
            );
        }
        let text = match dimension {
            true => format!(
                "`{name}` is not a constant: its size is known when the function is called{note}"
            ),
            false => format!("`{name}` is not a constant{note}{help}"),
        };
        return Err(cx.error(name.span(), text));
    }
    if let Some(boolean) = names.iter().find(|n| net.is_boolean(&n.to_string())) {
        return Err(booleans::not_a_size(cx, boolean));
    }
    match constant::constant(net, cx, e)?.as_dim() {
        Some(d) => Ok(d),
        None => {
            let text = format!("a condition compares integers, but `{e}` is not one");
            Err(cx.error(e.span, text))
        }
    }
}

/// The part of an expression that is something else than numbers, names and arithmetic, if there is one.
fn not_a_size(e: &Expr) -> Option<&Expr> {
    match &e.kind {
        ExprKind::Whole(_) | ExprKind::Number(_) | ExprKind::Name(_) => None,
        ExprKind::Binary(op, a, b) if op.level() > Op::Eq.level() => {
            not_a_size(a).or_else(|| not_a_size(b))
        }
        ExprKind::Neg(a) => not_a_size(a),
        ExprKind::Index(x, _) if matches!(&x.kind, ExprKind::Name(n) if super::is_constant(&n.to_string())) => {
            None
        }
        ExprKind::Index(x, _) if matches!(&x.kind, ExprKind::List(_) | ExprKind::Index(..)) => None,
        // `TOP.len()`.
        ExprKind::Method(x, name, args) if name == "len" && args.is_empty() => match &x.kind {
            ExprKind::List(_) | ExprKind::Tuple(_) => None,
            ExprKind::Name(n) if super::is_constant(&n.to_string()) => None,
            _ => Some(e),
        },
        ExprKind::Call(name, args) => {
            let name = name.to_string();
            let known = name == "pow" || super::rounds(&name) || name == "max" || name == "min";
            match known {
                true => args.iter().find_map(|a| not_a_size(&a.value)),
                false => Some(e),
            }
        }
        _ => Some(e),
    }
}
