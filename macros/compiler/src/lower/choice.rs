//! `if training { .. } else { .. }` and `if S != 1 { .. } else { .. }`: a choice made when the function is compiled.
//!
//! When a function is checked, both branches of `if training` are lowered and must give the same types. When it is
//! compiled, only the chosen branch is. Of a choice by constants only one branch is ever lowered.

use super::assigned::assigned_in;
use super::{Local, Lower};
use crate::ast::{self, Expr, ExprKind};
use crate::check;
use crate::diag::{ErrorReported, Reported};
use crate::value::Value;
use proc_macro2::{Ident, Span};
use std::collections::HashMap;

impl Lower<'_> {
    /// Whether the condition holds; `None` while a function is checked, in which both answers are possible.
    fn condition(&mut self, choice: &ast::If) -> Reported<Option<bool>> {
        match &choice.condition.kind {
            ExprKind::Name(n) if n == "training" && self.opaque => Ok(None),
            ExprKind::Name(n) if n == "training" => Ok(Some(self.cx.train)),
            _ => {
                let named: Vec<String> = self.dims.keys().cloned().collect();
                let condition = self.with_numbers(&choice.condition);
                check::holds(self.net, &mut self.cx, &condition, Some(&named)).map(Some)
            }
        }
    }

    /// An expression with the values of variables that are whole numbers, such as the count of a loop.
    fn with_numbers(&mut self, e: &Expr) -> Expr {
        let kind = match &e.kind {
            ExprKind::Name(n) => {
                let name = n.to_string();
                let value = self.scope.get(&name).and_then(|local| local.value.as_ref());
                match value {
                    Some(Value::Whole(number)) => ExprKind::Whole(*number),
                    Some(Value::Bool(known)) => ExprKind::Bool(*known),
                    _ => return e.clone(),
                }
            }
            ExprKind::Binary(op, a, b) => {
                let (a, b) = (self.with_numbers(a), self.with_numbers(b));
                ExprKind::Binary(*op, Box::new(a), Box::new(b))
            }
            ExprKind::Not(a) => ExprKind::Not(Box::new(self.with_numbers(a))),
            ExprKind::Neg(a) => ExprKind::Neg(Box::new(self.with_numbers(a))),
            ExprKind::Call(name, args) => {
                let args = args.iter().map(|a| ast::Arg {
                    name: a.name.clone(),
                    value: self.with_numbers(&a.value),
                });
                ExprKind::Call(name.clone(), args.collect())
            }
            ExprKind::Index(x, items) => {
                let x = Box::new(self.with_numbers(x));
                let items = items.iter().map(|item| match item {
                    ast::Item::At(at) => ast::Item::At(self.with_numbers(at)),
                    other => other.clone(),
                });
                ExprKind::Index(x, items.collect())
            }
            _ => return e.clone(),
        };
        Expr { kind, span: e.span }
    }

    /// A choice between statements: the variables that they assign keep their types.
    pub fn choose_statements(&mut self, choice: &ast::If) -> Reported<()> {
        let branches = [Some(&choice.then), choice.otherwise.as_ref()];
        for block in branches.into_iter().flatten() {
            if let Some(tail) = &block.tail {
                let text = format!(
                    "the value of `{tail}` is not used\nhelp: to keep the value, write `let x = if {} {{ .. }} else {{ .. }};`",
                    choice.condition
                );
                return Err(self.cx.error(tail.span, text));
            }
        }
        if let Some(holds) = self.condition(choice)? {
            let block = branches[usize::from(!holds)];
            return block.map_or(Ok(()), |b| self.branch(b, false).map(|_| ()));
        }
        let before = self.scope.clone();
        let then = self.branch(&choice.then, false);
        let mut after = std::mem::replace(&mut self.scope, before.clone());
        let otherwise = match &choice.otherwise {
            Some(block) => self.branch(block, false),
            None => Ok(None),
        };
        let mut assigned: Vec<Ident> = Vec::new();
        for block in branches.into_iter().flatten() {
            assigned_in(block, &mut Vec::new(), &mut assigned);
        }
        then.and(otherwise)?;
        for name in assigned {
            let text = name.to_string();
            let (Some(a), Some(b)) = (after.remove(&text), self.scope.get(&text).cloned()) else {
                continue;
            };
            let value = match (a.value, b.value) {
                (Some(a), Some(b)) => Some(self.alike(a, b, name.span(), &text)?),
                _ => None,
            };
            let fraction = None;
            let (depth, by) = (b.depth, b.by);
            let local = Local {
                value,
                fraction,
                depth,
                by,
            };
            self.scope.insert(text, local);
        }
        Ok(())
    }

    /// A choice between values.
    pub fn choose(&mut self, choice: &ast::If, span: Span) -> Reported<Value> {
        let Some(otherwise) = &choice.otherwise else {
            let (when, condition) = (without(choice), &choice.condition);
            let text = format!(
                "this `if` has no value {when}: it needs an `else` branch\nhelp: `if {condition} {{ .. }} else {{ .. }}`"
            );
            return Err(self.cx.error(span, text));
        };
        for block in [&choice.then, otherwise] {
            let dropped = matches!(block.stmts.last(), Some(ast::Stmt::Expr(_)));
            if block.tail.is_none() && !dropped {
                let text = "a branch of this `if` ends without a value\nhelp: leave it as the last expression, without `;`";
                return Err(self.cx.error(span, text));
            }
        }
        let value = |v: Reported<Option<Value>>| v.and_then(|v| v.ok_or(ErrorReported));
        if let Some(holds) = self.condition(choice)? {
            let block = if holds { &choice.then } else { otherwise };
            return value(self.branch(block, true));
        }
        let before = self.scope.clone();
        let a = value(self.branch(&choice.then, true));
        self.scope = before;
        let b = value(self.branch(otherwise, true));
        self.alike(a?, b?, span, "this `if`")
    }

    /// A branch's statements, with a result at the end or without; names bound in it are removed after it.
    fn branch(&mut self, block: &ast::Block, result: bool) -> Reported<Option<Value>> {
        let (scope, mutable) = (self.scope.clone(), self.mutable.clone());
        let value = match result {
            true => self.statements(block),
            false => self.effects(block),
        };
        let mut assigned = Vec::new();
        assigned_in(block, &mut Vec::new(), &mut assigned);
        let after = std::mem::replace(&mut self.scope, scope);
        self.mutable = mutable;
        let kept: HashMap<String, Local> = (assigned.iter())
            .filter_map(|n| after.get_key_value(&n.to_string()))
            .map(|(k, v)| (k.clone(), v.clone()))
            .collect();
        self.scope.extend(kept);
        value
    }

    /// The first of two values, if they have the same type and shape.
    fn alike(&mut self, a: Value, b: Value, span: Span, what: &str) -> Reported<Value> {
        if let (Value::Tuple(x), Value::Tuple(y)) = (&a, &b)
            && x.len() == y.len()
        {
            let pairs = x.iter().zip(y);
            let all: Vec<Reported<Value>> = pairs
                .map(|(x, y)| self.alike(x.clone(), y.clone(), span, what))
                .collect();
            return all.into_iter().collect::<Reported<_>>().map(Value::Tuple);
        }
        let (x, y) = (self.cx.lift(&a, what), self.cx.lift(&b, what));
        let same = match (&x, &y) {
            (Some(x), Some(y)) => self.same_type(x.id, y.id),
            _ => false,
        };
        if same {
            return Ok(a);
        }
        let show = |t: &Option<crate::value::Tensor>, v: &Value| match t {
            Some(t) => self.cx.typed(t.id),
            None => v.kind().to_owned(),
        };
        let (x, y) = (show(&x, &a), show(&y, &b));
        let differ = match what.starts_with("this") {
            true => format!("{what} gives {x} in training, but {y} in evaluation"),
            false => format!("`{what}` becomes {x} in training, but {y} in evaluation"),
        };
        let text = format!("{differ}\nnote: the type and shape must be the same in both modes");
        Err(self.cx.error(span, text))
    }
}

/// When the condition of a choice does not hold.
fn without(choice: &ast::If) -> String {
    match &choice.condition.kind {
        ExprKind::Name(_) => "in evaluation".to_owned(),
        _ => format!("unless {}", choice.condition),
    }
}
