//! Calls that PyTorch returns as a pair, and that are one tensor here: attention's output and weights.
//!
//! The weights cost time and memory, so a call has them only if they are asked for: by a keyword, or by taking the
//! second of the pair. `let (y, _) = attn(x, x, x)`, `attn(x, x, x)[0]` and `attn(x, x, x).0` are the output alone.

use super::Lower;
use crate::ast::{Arg, Expr, ExprKind, Item, Pat};
use crate::diag::Reported;
use crate::net::FieldKind;
use crate::value::Value;
use proc_macro2::Ident;

impl Lower<'_> {
    /// The value of `let (y, weights) = ..`, as a tuple, if it is such a call.
    pub(super) fn pair(&mut self, pat: &Pat, e: &Expr) -> Option<Reported<Value>> {
        let Pat::Tuple(items, _) = pat else {
            return None;
        };
        let keyword = self.pair_keyword(e)?;
        Some(match items.as_slice() {
            [_, Pat::Wild] => self.expr(e).map(|y| Value::Tuple(vec![y, Value::Null])),
            _ => self.expr(&with(e, keyword)),
        })
    }

    /// The value of an index into such a call.
    pub(super) fn part_of_pair(&mut self, e: &Expr, items: &[Item]) -> Option<Reported<Value>> {
        let [Item::At(at)] = items else {
            return None;
        };
        let keyword = self.pair_keyword(e)?;
        match &at.kind {
            ExprKind::Whole(0) => Some(self.expr(e)),
            ExprKind::Whole(1) => Some(self.expr(&with(e, keyword)).map(|pair| match pair {
                Value::Tuple(mut items) if items.len() == 2 => items.remove(1),
                other => other,
            })),
            _ => None,
        }
    }

    /// The keyword that makes a call a pair, unless the call has it.
    fn pair_keyword(&mut self, e: &Expr) -> Option<&'static str> {
        let (field, args) = match &e.kind {
            ExprKind::Call(name, args) => match self.scope.get(&name.to_string()) {
                Some(local) => match &local.value {
                    Some(Value::Layer(of)) => (of.field, args),
                    _ => return None,
                },
                None => (self.net.fields.iter().position(|f| f.name == *name)?, args),
            },
            ExprKind::Apply(of, args) => match self.expr(of) {
                Ok(Value::Layer(of)) => (of.field, args),
                _ => return None,
            },
            _ => return None,
        };
        let FieldKind::Layer(layer) = &self.net.fields[field].kind else {
            return None;
        };
        let keyword = layer.pair()?;
        let given = |a: &Arg| a.name.as_ref().is_some_and(|n| n == keyword);
        (!args.iter().any(given)).then_some(keyword)
    }
}

/// The call with a keyword that is true.
fn with(e: &Expr, keyword: &str) -> Expr {
    let mut e = e.clone();
    if let ExprKind::Call(_, args) | ExprKind::Apply(_, args) = &mut e.kind {
        args.push(Arg {
            name: Some(Ident::new(keyword, e.span)),
            value: Expr {
                kind: ExprKind::Bool(true),
                span: e.span,
            },
        });
    }
    e
}
