//! Loops that count: `for i in 0..N`, Python's `range(N)`, and `enumerate(layers)`.
//!
//! With bounds that are numbers, the iterations are written out, and `i` is a number. With other bounds, the loop is
//! compiled once, and `i` is an `i64` tensor of shape [].

use super::Lower;
use crate::ast::{Expr, ExprKind};
use crate::diag::Reported;
use crate::dim::Dim;
use crate::value::{Tensor, Value};

/// The most iterations that are written out.
pub(super) const MOST: i64 = 64;

/// The integers of a loop.
pub struct Range {
    /// The first.
    pub from: Dim,
    /// How many; `None`: as many as the values beside them.
    pub count: Option<Dim>,
}

impl Range {
    /// The number of iterations to write out, if the range stands alone.
    pub fn written_out(&self) -> Option<usize> {
        let count = self.count.as_ref()?.value()?;
        self.from.value()?;
        usize::try_from(count).ok().filter(|_| count <= MOST)
    }
}

impl Lower<'_> {
    /// The range that an expression is, if it is one.
    pub fn range(&mut self, over: &Expr) -> Reported<Option<Range>> {
        let ExprKind::Call(name, args) = &over.kind else {
            return Ok(None);
        };
        if name != "range" || self.net.signatures.iter().any(|s| s.name == "range") {
            return Ok(None);
        }
        let mut bounds = Vec::new();
        for a in args {
            let value = self.expr(&a.value)?;
            let Some(bound) = value.as_dim() else {
                let text = format!(
                    "the bounds of a loop must be integers or sizes, but `{}` is {}",
                    a.value,
                    value.kind()
                );
                return Err(self.cx.error(a.value.span, text));
            };
            bounds.push(bound);
        }
        let (from, to) = match bounds.as_slice() {
            [] => {
                let (from, count) = (Dim::from(0), None);
                return Ok(Some(Range { from, count }));
            }
            [to] => (Dim::from(0), to.clone()),
            [from, to] => (from.clone(), to.clone()),
            _ => {
                let text = "a range of a loop cannot have a step\nhelp: calculate the value in the loop: `for i in 0..N { let k = 2 * i; .. }`";
                return Err(self.cx.error(name.span(), text));
            }
        };
        let count = to.sub(&from);
        let count = match count.value() {
            Some(n) => Dim::from(n.max(0)),
            None => {
                let why = format!("the loop ends at {to}");
                self.cx.at_least(&to, &from, over.span, &why)?;
                count
            }
        };
        let count = Some(count);
        Ok(Some(Range { from, count }))
    }

    /// The integers as a tensor.
    pub fn integers(&mut self, range: &Range, count: &Dim, over: &Expr) -> Tensor {
        let mut id = self.cx.g.iota(&vec![count.clone()], 0);
        if range.from != Dim::from(0) {
            let from = self.cx.tensor_of(&Value::of_dim(range.from.clone()), "");
            let from = self.cx.g.expand(from.id, &vec![count.clone()]);
            id = self.cx.g.add2(id, from);
        }
        let text = over.to_string();
        Tensor { id, text }
    }
}
