//! `where` clauses: conditions on the sizes of a network.

use super::constant::constant;
use super::types::{bare, dimension};
use crate::ast::{self, Expr, ExprKind};
use crate::cx::Cx;
use crate::diag::{Diag, Reported};
use crate::dim::Dim;
use crate::net::{Net, Remainder};
use crate::value::nearest;

/// Checks and records the conditions of the `where` clause.
pub(super) fn conditions(source: &ast::Network, net: &mut Net, diag: &Diag) {
    let mut cx = Cx::new(diag, false);
    for e in &source.conditions {
        let _ = condition(net, &mut cx, e, None);
    }
    net.require.extend(cx.require);
}

/// Records a condition: of a network, on its constants, or of a function, on these and on `named` dimensions. Returns the
/// remainder of a named dimension, if that is the condition.
pub(super) fn condition(
    net: &Net,
    cx: &mut Cx,
    e: &Expr,
    named: Option<&[String]>,
) -> Reported<Option<Remainder>> {
    let why = format!("`{e}` does not hold");
    let mut size = |e: &Expr| match named {
        Some(_) => dimension(net, cx, e, named),
        None => match constant(net, cx, e)?.as_dim() {
            Some(d) => Ok(d),
            None => Err(cx.error(
                e.span,
                format!("a size in a condition must be an integer, not {e}"),
            )),
        },
    };
    match &e.kind {
        ExprKind::Binary(op @ (ast::Op::Eq | ast::Op::Ne), left, right) if is_remainder(left) => {
            if let (ExprKind::Binary(ast::Op::Rem, a, b), ExprKind::Whole(rest)) =
                (&left.kind, &right.kind)
            {
                let (a, b) = (size(a)?, size(b)?);
                if let Some(rest) = remainder(*op, nearest(*rest), b.value()) {
                    if let (Some(p), Some(q)) = (a.value(), b.value()) {
                        let found = p.rem_euclid(q.max(1));
                        if q > 0 && found != rest {
                            let text = format!("{why}: the remainder of {p} by {q} is {found}");
                            return Err(cx.error(e.span, text));
                        }
                    }
                    let all = a.sub(&Dim::from(rest));
                    cx.divides(&all, &b, e.span, &why)?;
                    // A size below the remainder would be divided below 0.
                    if rest > 0 {
                        cx.at_least(&a, &Dim::from(rest), e.span, &why)?;
                    }
                    let by = b.value().filter(|by| *by > 0);
                    let fact = |(name, by)| Remainder { name, by, rest };
                    return Ok(bare(&a).zip(by).map(fact));
                }
            }
        }
        ExprKind::Binary(op, a, b) if !is_remainder(a) && !is_remainder(b) => {
            let one = Dim::one();
            let order =
                |cx: &mut Cx, a: &Dim, b: &Dim| cx.at_least(a, b, e.span, &why).map(|()| None);
            // The message shows both sizes as they are.
            let strict = |cx: &mut Cx, a: &Dim, b: &Dim| {
                if a.sub(b).value().is_some_and(|more| more < 1) {
                    let text = format!("{why}: {a} is not greater than {b}");
                    return Err(cx.error(e.span, text));
                }
                order(cx, a, &b.add(&one))
            };
            let (a, b) = (size(a)?, size(b)?);
            match op {
                ast::Op::Ge => return order(cx, &a, &b),
                ast::Op::Le => return order(cx, &b, &a),
                ast::Op::Gt => return strict(cx, &a, &b),
                ast::Op::Lt => return strict(cx, &b, &a),
                ast::Op::Eq => return order(cx, &a, &b).and_then(|_| order(cx, &b, &a)),
                _ => {}
            }
        }
        _ => {}
    }
    if let ExprKind::Binary(op, a, b) = &e.kind
        && (is_remainder(a) || is_remainder(b))
    {
        let by_number = |e: &Expr| matches!(&e.kind, ExprKind::Binary(_, _, by) if matches!(by.kind, ExprKind::Whole(_)));
        let text = match op {
            ast::Op::Eq if by_number(a) => decided(e, *op),
            ast::Op::Eq if is_remainder(a) => format!(
                "`{a}` can be compared only with 0\nnote: a remainder can be compared with another number only if the divisor is a number, as in `K % 2 == 1`"
            ),
            _ => format!(
                "`{e}` is not a condition\nhelp: compare a remainder with a number by `==`, as in `K % 3 == 1`"
            ),
        };
        return Err(cx.error(e.span, text));
    }
    let text = format!(
        "`{e}` is not a condition\nhelp: a condition is `D % HEADS == 0`, or a comparison such as `D >= 8`"
    );
    Err(cx.error(e.span, text))
}

/// The error for a comparison of a remainder with a number that no remainder is.
pub(super) fn decided(e: &Expr, op: ast::Op) -> String {
    let always = if op == ast::Op::Ne { "always" } else { "never" };
    format!("`{e}` is {always} true: a remainder is at least 0 and less than the divisor")
}

/// The remainder that a comparison with `given` states; `None` if it leaves several. `by` is the divisor, if it is known.
pub(super) fn remainder(op: ast::Op, given: i64, by: Option<i64>) -> Option<i64> {
    match (op, by) {
        (ast::Op::Eq, None) => (given == 0).then_some(0),
        (ast::Op::Eq, Some(by)) => (0..by).contains(&given).then_some(given),
        (_, Some(2)) => (0..2).contains(&given).then_some(1 - given),
        _ => None,
    }
}

pub(super) fn is_remainder(e: &Expr) -> bool {
    matches!(e.kind, ExprKind::Binary(ast::Op::Rem, ..))
}
