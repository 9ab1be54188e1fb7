//! `where` clauses: conditions on the sizes of a network.

use super::constant::constant;
use super::types::{bare, dimension};
use crate::ast::{self, Expr, ExprKind};
use crate::cx::Cx;
use crate::diag::{Diag, Reported};
use crate::dim::Dim;
use crate::net::Net;

/// Checks and records the conditions of the `where` clause.
pub(super) fn conditions(source: &ast::Network, net: &mut Net, diag: &Diag) {
    let mut cx = Cx::new(diag, false);
    for e in &source.conditions {
        let _ = condition(net, &mut cx, e, None);
    }
    net.require.extend(cx.require);
}

/// Records a condition: of a network, on its constants, or of a function, on these and on `named` dimensions. Returns a
/// named dimension and the number that divides it, if that is the condition.
pub(super) fn condition(
    net: &Net,
    cx: &mut Cx,
    e: &Expr,
    named: Option<&[String]>,
) -> Reported<Option<(String, i64)>> {
    let why = format!("`{e}` does not hold");
    let zero = |e: &Expr| matches!(e.kind, ExprKind::Whole(0));
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
        ExprKind::Binary(ast::Op::Eq, left, right) if zero(right) => {
            if let ExprKind::Binary(ast::Op::Rem, a, b) = &left.kind {
                let (a, b) = (size(a)?, size(b)?);
                cx.divides(&a, &b, e.span, &why)?;
                return Ok(bare(&a).zip(b.value().filter(|by| *by > 0)));
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
    if let ExprKind::Binary(_, a, b) = &e.kind
        && (is_remainder(a) || is_remainder(b))
    {
        let text = format!(
            "`{e}` is not a condition\nnote: a remainder can be compared only with 0: `D % HEADS == 0`"
        );
        return Err(cx.error(e.span, text));
    }
    let text = format!(
        "`{e}` is not a condition\nhelp: a condition is `D % HEADS == 0`, or a comparison such as `D >= 8`"
    );
    Err(cx.error(e.span, text))
}

pub(super) fn is_remainder(e: &Expr) -> bool {
    matches!(e.kind, ExprKind::Binary(ast::Op::Rem, ..))
}
