//! Loops that count: `for i in 0..N`, `for i in (0..N).step_by(2)`, Python's `range(0, N, 2)`, and `enumerate(layers)`.
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
    /// The difference of two neighbours.
    pub step: i64,
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

    /// The integer of one iteration.
    pub fn at(&self, k: i64) -> Dim {
        self.from.add(&Dim::from(k).mul(&Dim::from(self.step)))
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
        let (from, to, step) = match bounds.as_slice() {
            [] => {
                return Ok(Some(Range {
                    from: Dim::from(0),
                    step: 1,
                    count: None,
                }));
            }
            [to] => (Dim::from(0), to.clone(), Dim::one()),
            [from, to] => (from.clone(), to.clone(), Dim::one()),
            [from, to, step] => (from.clone(), to.clone(), step.clone()),
            more => {
                let text = format!(
                    "`range` takes (start, end, step), but {} are given",
                    more.len()
                );
                return Err(self.cx.error(over.span, text));
            }
        };
        let Some(each) = step.value().filter(|each| *each != 0) else {
            let text = format!("the step of a loop must be an integer other than 0, not {step}");
            return Err(self.cx.error(over.span, text));
        };
        // Downwards as upwards.
        let (low, high) = if each > 0 { (&from, &to) } else { (&to, &from) };
        let wide = Dim::from(each.saturating_abs());
        let length = high.sub(low);
        let count = match length.value() {
            Some(n) => Dim::from(n.max(0))
                .add(&wide)
                .sub(&Dim::one())
                .div_floor(&wide),
            None => {
                let why = format!("the loop ends at {to}");
                self.cx.at_least(high, low, over.span, &why)?;
                length.add(&wide).sub(&Dim::one()).div_floor(&wide)
            }
        };
        Ok(Some(Range {
            from,
            step: each,
            count: Some(count),
        }))
    }

    /// The integers as a tensor.
    pub fn integers(&mut self, range: &Range, count: &Dim, over: &Expr) -> Tensor {
        let mut id = self.cx.g.iota(&vec![count.clone()], 0);
        if range.step != 1 {
            let step = self.cx.tensor_of(&Value::Whole(range.step.into()), "");
            let step = self.cx.g.expand(step.id, &vec![count.clone()]);
            id = self.cx.g.mul2(id, step);
        }
        if range.from != Dim::from(0) {
            let from = self.cx.tensor_of(&Value::of_dim(range.from.clone()), "");
            let from = self.cx.g.expand(from.id, &vec![count.clone()]);
            id = self.cx.g.add2(id, from);
        }
        let text = over.to_string();
        Tensor { id, text }
    }
}
