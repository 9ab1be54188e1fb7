//! Statements: `let`, assignments, loops and choices, one after another.

use super::{Lower, substitute};
use crate::ast;
use crate::diag::Reported;
use crate::dim::{Shape, show_shape};
use crate::elem::Elem;
use crate::ir::DType;
use crate::net::FieldKind;
use crate::takes::{converted, named};
use crate::value::{Tensor, Value};
use proc_macro2::Ident;

impl Lower<'_> {
    /// Statements one after another, then the value at the end, if there is one. All errors in them are reported.
    pub fn statements(&mut self, block: &ast::Block) -> Reported<Option<Value>> {
        let mut reported = None;
        for stmt in &block.stmts {
            if let Err(p) = self.stmt(stmt) {
                reported = Some(p);
            }
        }
        let value = block.tail.as_ref().map(|e| self.expr(e)).transpose()?;
        reported.map_or(Ok(value), Err)
    }

    pub(super) fn stmt(&mut self, stmt: &ast::Stmt) -> Reported<()> {
        match stmt {
            ast::Stmt::Let { pat, ty, value } => {
                let pair = self.pair(pat, value);
                let result = pair.unwrap_or_else(|| self.expr(value));
                let result = match (result, ty) {
                    (Ok(v), Some(ty)) => self.ascribed(v, ty, value),
                    (r, _) => r,
                };
                self.bind(pat, result, value)
            }
            ast::Stmt::Assign { name, value } => {
                let text = name.to_string();
                if !self.scope.contains_key(&text)
                    && let Some(field) = self.net.fields.iter().position(|f| f.name == text)
                {
                    return self.assign_field(field, name, value);
                }
                let result = self.expr(value);
                self.assign(name, result, value)
            }
            ast::Stmt::For { names, overs, body } => self.loop_over(names, overs, body),
            ast::Stmt::If(choice) => self.choose_statements(choice),
            ast::Stmt::Expr(e) => {
                self.expr(e)?;
                Err(self.cx.error(
                    e.span,
                    "this value is computed and dropped\nhelp: bind it with `let`, or remove it",
                ))
            }
        }
    }

    /// Assigns another value to a variable.
    pub(super) fn assign(
        &mut self,
        name: &Ident,
        result: Reported<Value>,
        source: &ast::Expr,
    ) -> Reported<()> {
        let text = name.to_string();
        if !self.scope.contains_key(&text) {
            let known: Vec<String> = self.scope.keys().cloned().collect();
            let hint = crate::diag::did_you_mean(&text, known.iter().map(String::as_str));
            return Err(self.cx.error(
                name.span(),
                format!("there is no variable `{text}`{hint}\nhelp: `let {text} = ..` makes one"),
            ));
        }
        if !self.is_carried(&text) {
            let message = format!(
                "`{text}` belongs outside of this step\nhelp: make it part of the state: `scan(x, (.., {text}), |(.., {text}), x_t| ..)`"
            );
            return Err(self.cx.error(name.span(), message));
        }
        if !self.mutable.contains(&text) {
            let message = format!(
                "cannot assign to `{text}`, which is not declared `mut`\nhelp: declare it `let mut {text} = ..`, or shadow it: `let {text} = ..`"
            );
            return Err(self.cx.error(name.span(), message));
        }
        self.bind(&ast::Pat::Name(name.clone(), true), result, source)
    }

    /// Whether an assignment here reaches a variable: iterations of `for` carry it, but it does not leave the step of a
    /// scan.
    pub(super) fn is_carried(&self, name: &str) -> bool {
        let own = self.scope.get(name).map_or(0, |l| l.depth);
        (own + 1..=self.depth()).all(|d| self.rounds.contains(&d))
    }

    /// Assigns a buffer, in training.
    pub(super) fn assign_field(
        &mut self,
        index: usize,
        name: &Ident,
        value: &ast::Expr,
    ) -> Reported<()> {
        self.uses(index);
        let field = &self.net.fields[index];
        match field.kind {
            FieldKind::Buffer => {}
            FieldKind::ErrorReported => return self.expr(value).map(|_| ()),
            FieldKind::Param => {
                let text = format!(
                    "`{name}` is a parameter: only optimizers change it\n{}\nhelp: to change a value in a function, declare a buffer: `{name}: Buffer[..]`",
                    field.decl
                );
                return Err(self.cx.error(name.span(), text));
            }
            FieldKind::Layer(_) | FieldKind::Block(_) | FieldKind::Group { .. } => {
                let text = format!("cannot assign to the layer `{name}`\n{}", field.decl);
                return Err(self.cx.error(name.span(), text));
            }
        }
        // In evaluation a buffer keeps its value.
        if !self.opaque && !self.updating() {
            return Ok(());
        }
        let result = self.expr(value)?;
        let Some(t) = self.cx.lift(&result, &value.to_string()) else {
            let text = format!("a buffer needs a tensor, not {}", result.kind());
            return Err(self.cx.error(value.span, text));
        };
        let home = self.param_home(field.params.start);
        let (from, to) = (self.cx.g[t.id].dtype, self.cx.g[home].dtype);
        // Conversions that PyTorch's `copy_` does without loss.
        let t = match (from, to) {
            (_, DType::Float) => self.cx.to_float(&t),
            (DType::Bool, DType::Int) => Tensor {
                id: self.cx.as_type(&t, to),
                text: t.text,
            },
            _ => t,
        };
        if self.cx.g[t.id].dtype != to {
            let text = format!(
                "the buffer `{name}` holds {}, but `{}` holds {}\n{}\nhelp: convert it: `{}`",
                named(to),
                t.text,
                named(from),
                field.decl,
                converted(to, from, &value.to_string())
            );
            return Err(self.cx.error(value.span, text));
        }
        if !(self.cx).same_shape(self.cx.g.shape(t.id), self.cx.g.shape(home)) {
            let text = format!(
                "`{}` is {}, but the buffer `{name}` is {}{}\n{}",
                t.text,
                self.cx.typed(t.id),
                self.cx.typed(home),
                self.cx.origin_note(&t),
                field.decl
            );
            return Err(self.cx.error(value.span, text));
        }
        if self.updating() {
            self.updates.assign(&mut self.cx.g, home, t.id);
        }
        Ok(())
    }

    pub(super) fn bind(
        &mut self,
        pat: &ast::Pat,
        value: Reported<Value>,
        source: &ast::Expr,
    ) -> Reported<()> {
        match pat {
            ast::Pat::Wild => value.map(|_| ()),
            ast::Pat::Name(name, mutable) => {
                let text = name.to_string();
                if self.net.constant(&text).is_some() || self.dims.contains_key(&text) {
                    return Err(self.cx.error(
                        name.span(),
                        format!("`{text}` is a size here: choose another name"),
                    ));
                }
                self.mutable.retain(|m| *m != text);
                if *mutable {
                    self.mutable.push(text.clone());
                }
                let poison = value.as_ref().err().copied();
                let named = value.ok().map(|v| match v {
                    Value::Tensor(t) => {
                        let node = &mut self.cx.g.nodes[t.id.index()];
                        if node.name.is_empty() {
                            node.name.clone_from(&text);
                        }
                        self.cx
                            .origin
                            .entry(t.id)
                            .or_insert_with(|| source.to_string());
                        Value::Tensor(Tensor {
                            id: t.id,
                            text: text.clone(),
                        })
                    }
                    other => other,
                });
                self.set(text, named);
                poison.map_or(Ok(()), Err)
            }
            ast::Pat::Tuple(pats, span) => {
                let items = match value {
                    Ok(Value::Tuple(items)) if items.len() == pats.len() => {
                        items.into_iter().map(Ok).collect()
                    }
                    Ok(Value::Tuple(items)) => {
                        let text = format!(
                            "`{source}` gives {}, but {} are bound",
                            crate::args::count(items.len(), "value"),
                            pats.len()
                        );
                        let p = self.cx.error(*span, text);
                        vec![Err(p); pats.len()]
                    }
                    Ok(other) => {
                        let p = self.cx.error(
                            *span,
                            format!("`{source}` is {}, not a tuple", other.kind()),
                        );
                        vec![Err(p); pats.len()]
                    }
                    Err(p) => vec![Err(p); pats.len()],
                };
                let mut reported = Ok(());
                for (pat, item) in pats.iter().zip(items) {
                    if let Err(p) = self.bind(pat, item, source) {
                        reported = Err(p);
                    }
                }
                reported
            }
        }
    }

    /// Checks the shape written after a `let`.
    pub(super) fn ascribed(
        &mut self,
        value: Value,
        ty: &ast::Type,
        source: &ast::Expr,
    ) -> Reported<Value> {
        let known: Vec<String> = self.dims.keys().cloned().collect();
        let mut shape = Shape::new();
        for e in &ty.dims {
            let d = crate::check::dimension(self.net, &mut self.cx, e, Some(&known))?;
            shape.push(substitute(&d, &self.dims));
        }
        match (ty.rest, &self.rest) {
            (Some(at), Some(rest)) => drop(shape.splice(at..at, rest.iter().cloned())),
            (Some(_), None) => {
                let text = "`..` is used, but no argument of this function has `..`";
                return Err(self.cx.error(ty.span, text));
            }
            (None, _) => {}
        }
        let Some(t) = self.cx.lift(&value, &source.to_string()) else {
            let text = format!("`{source}` is {}, which has no shape", value.kind());
            return Err(self.cx.error(ty.span, text));
        };
        let elem = crate::check::element(&self.cx, ty)?;
        let t = match elem {
            Elem::Float => self.cx.to_float(&t),
            _ => t,
        };
        let from = self.cx.g[t.id].dtype;
        if from != elem.dtype() {
            let text = format!(
                "`{source}` holds {}, but `{}` is declared\nhelp: convert it: `{}`",
                named(from),
                elem.name(),
                converted(elem.dtype(), from, &source.to_string())
            );
            return Err(self.cx.error(ty.span, text));
        }
        if !self.cx.same_shape(self.cx.g.shape(t.id), &shape) {
            let text = format!(
                "`{source}` is {}, but {} is declared{}",
                self.cx.typed(t.id),
                show_shape(&shape),
                self.cx.origin_note(&t)
            );
            return Err(self.cx.error(ty.span, text));
        }
        Ok(Value::Tensor(t))
    }
}
