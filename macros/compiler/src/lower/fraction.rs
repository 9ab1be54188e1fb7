//! Quotients of sizes.
//!
//! `T / 2` is a size where a size is needed: the call checks that it is an integer. In arithmetic with tensors and floats,
//! and as a tensor argument of an op, it is a float.

use super::Lower;
use crate::ast::{self, Expr, ExprKind, Pat};
use crate::cx::Demand;
use crate::diag::{ErrorReported, Message, Reported};
use crate::dim::Dim;
use crate::scalar::Scalar as S;
use crate::value::Value;

/// A variable that is a float or a size, where each use decides: `let half = T / 2`.
#[derive(Clone)]
pub(super) struct Fraction {
    /// The float.
    float: Value,
    /// The conditions under which it is a size.
    demands: Vec<Demand>,
    /// The errors of its use as a size.
    errors: Vec<Message>,
}

impl Lower<'_> {
    /// Whether an expression of sizes has a quotient.
    pub(super) fn is_fraction(&self, e: &Expr) -> bool {
        let mut found = false;
        crate::visit::expr(e, &mut |e| {
            found |= match &e.kind {
                ExprKind::Binary(op, ..) => *op == ast::Op::Div,
                ExprKind::Name(n) => self.is_fraction_by_name(&n.to_string()),
                _ => false,
            };
        });
        found && self.is_size(e)
    }

    /// Whether a name is that of a variable which is a float or a size.
    pub(super) fn is_fraction_by_name(&self, name: &str) -> bool {
        self.scope.get(name).is_some_and(|l| l.fraction.is_some())
    }

    /// An operand beside another.
    pub(super) fn beside(&mut self, e: &Expr, other: &Reported<Value>) -> Reported<Value> {
        let float = |v: &Value| {
            matches!(
                v,
                Value::Tensor(_) | Value::List(_) | Value::Number(_) | Value::Real(_)
            )
        };
        match other.as_ref().is_ok_and(float) {
            true => self.float(e),
            false => self.expr(e),
        }
    }

    /// An expression in which a quotient of sizes is a float.
    pub(super) fn float(&mut self, e: &Expr) -> Reported<Value> {
        if !self.is_fraction(e) {
            return self.expr(e);
        }
        let before = std::mem::replace(&mut self.floats, true);
        let value = self.expr(e);
        self.floats = before;
        value
    }

    /// A quotient that is no size: of two literals, as `1 / 3`, or in arithmetic with tensors.
    pub(super) fn float_of(
        &mut self,
        (a, p): (&Expr, &Dim),
        (b, q): (&Expr, &Dim),
    ) -> Option<Value> {
        let literal = |e: &Expr| matches!(e.kind, ExprKind::Whole(_));
        let exact = q.value() == Some(0) || p.div_exact(q).is_some();
        if exact || !(self.floats || literal(a) && literal(b)) {
            return None;
        }
        if let (Some(p), Some(q)) = (p.value(), q.value()) {
            return Some(Value::Number(p as f64 / q as f64));
        }
        let (p, q) = (self.cx.g.size(p), self.cx.g.size(q));
        let id = self.cx.g.scalar(S::Div, &[p, q]);
        Some(self.cx.tensor(id))
    }

    /// Binds a variable to an expression of sizes with a quotient.
    pub(super) fn bind_fraction(&mut self, pat: &Pat, source: &Expr) -> Reported<()> {
        let float = self.float(source);
        let (demands, errors) = (self.cx.require.len(), self.cx.diag.count());
        let size = self.expr(source);
        let demands = self.cx.require.split_off(demands);
        let errors = self.cx.diag.split_off(errors);
        let (Pat::Name(name, _), Ok(float)) = (pat, float) else {
            return self.bind(pat, size, source);
        };
        if demands.is_empty() && errors.is_empty() {
            return self.bind(pat, size, source);
        }
        self.bind(pat, Ok(float.clone()), source)?;
        if let Some(local) = self.scope.get_mut(&name.to_string()) {
            local.value = size.ok();
            local.fraction = Some(Fraction {
                float,
                demands,
                errors,
            });
        }
        Ok(())
    }

    /// The value of a variable that is a float or a size, here where it is used; `None` of other variables.
    pub(super) fn fraction(&mut self, name: &str) -> Option<Reported<Value>> {
        let local = self.scope.get(name)?.clone();
        let fraction = local.fraction?;
        if self.floats {
            return Some(Ok(self.bring_value(fraction.float, local.depth)));
        }
        for demand in fraction.demands {
            if !self.cx.require.contains(&demand) {
                self.cx.require.push(demand);
            }
        }
        self.cx.diag.extend(fraction.errors);
        Some(local.value.ok_or(ErrorReported))
    }
}
