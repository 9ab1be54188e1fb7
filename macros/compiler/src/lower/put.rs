//! Assignments to parts of a tensor: `x[:, 0] = y`, `x[1..3] += 1`.
//!
//! The value after the assignment is a tensor of its own: `x` with other elements at the positions of the part. What is
//! assigned broadcasts to the part.

use super::Lower;
use crate::ast::{Expr, Item};
use crate::diag::Reported;
use crate::dim::numel;
use crate::ir::DType;
use crate::kinds::put::Put;
use crate::takes::{conversion_help, named};
use crate::value::{Tensor, Value};
use proc_macro2::Span;

impl Lower<'_> {
    /// The new value of `x` in `x[items] = value`.
    pub(super) fn put(
        &mut self,
        span: Span,
        x: &Expr,
        items: &[Item],
        value: &Expr,
    ) -> Reported<Value> {
        let (old, new) = (self.expr(x)?, self.expr(value));
        let Value::Tensor(old) = old else {
            let text = format!(
                "`{x}` is {}: only parts of a tensor can be assigned",
                old.kind()
            );
            return Err(self.cx.error(span, text));
        };
        let new = new?;
        let Some(new) = self.cx.lift(&new, &value.to_string()) else {
            let text = format!("`{x}[..]` takes a tensor or a number, not {}", new.kind());
            return Err(self.cx.error(value.span, text));
        };
        let (from, to) = (self.cx.g[new.id].dtype, self.cx.g[old.id].dtype);
        let literal = self.cx.is_literal(new.id);
        let converts = matches!((from, to), (_, DType::Float) | (DType::Bool, DType::Int));
        let new = match from == to || converts || literal {
            true => self.cx.as_type(&new, to),
            false => {
                let text = format!(
                    "cannot assign {} to `{x}`, which holds {}\nhelp: {}",
                    named(from),
                    named(to),
                    conversion_help(to, from, &new.text)
                );
                return Err(self.cx.error(value.span, text));
            }
        };
        let Value::Tensor(before) = self.slice(span, old.clone(), items)? else {
            return Ok(Value::Tensor(old));
        };
        let before = Tensor {
            text: format!("{x}[..]"),
            ..before
        };
        // The positions of the part in all elements.
        let shape = self.cx.shape(&old);
        let all = vec![numel(&shape)];
        let positions = self.cx.g.iota(&all, 0);
        let positions = Tensor {
            id: self.cx.g.reshape(positions, &shape),
            text: old.text.clone(),
        };
        let Value::Tensor(positions) = self.slice(span, positions, items)? else {
            return Ok(Value::Tensor(old));
        };
        let part = self.cx.shape(&positions);
        let new = Tensor {
            id: new,
            text: value.to_string(),
        };
        let what = format!("the assignment to `{x}[..]`");
        let both = self.cx.broadcast(value.span, &what, &[&before, &new])?;
        if !self.cx.same_shape(&both, &part) {
            let text = format!(
                "`{}` does not fit the part of `{x}`, which is {}{}",
                new.text,
                crate::dim::show_shape(&part),
                self.cx.origin_note(&new)
            );
            return Err(self.cx.error(value.span, text));
        }
        let g = &mut self.cx.g;
        let new = g.expand(new.id, &part);
        let flat = vec![numel(&part)];
        let (new, at) = (g.reshape(new, &flat), g.reshape(positions.id, &flat));
        let x = g.reshape(old.id, &all);
        let what = self.cx.own_reads(at);
        let y = self.cx.g.push(Put { dim: 0, what }, &[x, at, new], None);
        let id = self.cx.g.reshape(y, &shape);
        Ok(self.cx.tensor(id))
    }
}
