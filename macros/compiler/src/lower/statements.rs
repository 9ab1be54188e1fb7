//! Statements: `let`, assignments, loops and choices, one after another.

use super::{Binding, Lower, Whole, substitute};
use crate::ast;
use crate::diag::{ErrorReported, Reported};
use crate::dim::{Dim, Shape, show_shape};
use crate::elem::Elem;
use crate::ir::DType;
use crate::net::FieldKind;
use crate::ops;
use crate::takes::{conversion_help, named};
use crate::value::{Tensor, Value};
use proc_macro2::{Ident, Span};

impl Lower<'_> {
    /// The statements of a block whose last expression is its result, then the result, if there is one. All errors in
    /// them are reported.
    pub fn statements(&mut self, block: &ast::Block) -> Reported<Option<Value>> {
        if let (Some((ast::Stmt::Expr(last), before)), None) =
            (block.stmts.split_last(), &block.tail)
        {
            let done = self.run(before);
            let value = self.expr(last);
            if value.is_ok() {
                let text = format!(
                    "the `;` after `{last}` drops the result\nhelp: remove the `;`: the last expression is the result"
                );
                return Err(self.cx.error(last.span, text));
            }
            return done.and(value.map(Some));
        }
        self.effects(block)
    }

    /// The statements of a block that has no result; a value at its end is the caller's mistake to report.
    pub fn effects(&mut self, block: &ast::Block) -> Reported<Option<Value>> {
        let reported = self.run(&block.stmts);
        let value = block.tail.as_ref().map(|e| self.expr(e)).transpose()?;
        reported.map(|()| value)
    }

    fn run(&mut self, stmts: &[ast::Stmt]) -> Reported<()> {
        let all: Vec<Reported<()>> = stmts.iter().map(|s| self.stmt(s)).collect();
        all.into_iter().collect()
    }

    pub(super) fn stmt(&mut self, stmt: &ast::Stmt) -> Reported<()> {
        match stmt {
            ast::Stmt::Let {
                pat: pat @ ast::Pat::Name(..),
                ty: None,
                value,
            } if self.is_fraction(value) => self.bind_fraction(pat, value),
            ast::Stmt::Let { pat, ty, value } => {
                let pair = self.pair(pat, value);
                let result = pair.unwrap_or_else(|| self.expr(value));
                let result = match (result, ty) {
                    (Ok(v), Some(ty)) => self.ascribed(v, ty, value),
                    (r, _) => r,
                };
                self.bind(pat, result, value)
            }
            ast::Stmt::Assign { target, value } => {
                if let ast::Pat::Name(name, _) = target
                    && let Some(field) = self.field_to_assign(name)
                {
                    return self.assign_field(field, name, value);
                }
                let result = self.expr(value);
                self.assign(target, result, value)
            }
            ast::Stmt::For { names, overs, body } => self.loop_over(names, overs, body),
            ast::Stmt::If(choice) => self.choose_statements(choice),
            ast::Stmt::Expr(e) => {
                self.expr(e)?;
                let text = format!(
                    "the value of `{e}` is not used\nhelp: bind it with `let`, or remove it"
                );
                Err(self.cx.error(e.span, text))
            }
        }
    }

    /// The field that an assignment to this name means.
    fn field_to_assign(&self, name: &Ident) -> Option<usize> {
        match self.scope.contains_key(&name.to_string()) {
            true => None,
            false => self.net.fields.iter().position(|f| f.name == *name),
        }
    }

    /// Assigns other values to variables and buffers.
    fn assign(
        &mut self,
        target: &ast::Pat,
        result: Reported<Value>,
        source: &ast::Expr,
    ) -> Reported<()> {
        match target {
            ast::Pat::Wild => result.map(|_| ()),
            ast::Pat::Name(name, _) => match self.field_to_assign(name) {
                Some(field) if self.takes_values(field, name)? => {
                    self.assign_buffer(field, name, result?, source)
                }
                Some(_) => result.map(|_| ()),
                None => self.assign_variable(name, result, source),
            },
            ast::Pat::Tuple(targets, span) => {
                let items = self.items(targets.len(), *span, result, source);
                let all: Vec<Reported<()>> = (targets.iter().zip(items))
                    .map(|(target, item)| self.assign(target, item, source))
                    .collect();
                all.into_iter().collect()
            }
        }
    }

    /// Assigns another value to a variable.
    pub(super) fn assign_variable(
        &mut self,
        name: &Ident,
        result: Reported<Value>,
        source: &ast::Expr,
    ) -> Reported<()> {
        let text = name.to_string();
        if !self.scope.contains_key(&text) {
            // Buffers are assigned, too.
            let buffers = self.net.fields.iter();
            let buffers = buffers.filter(|f| matches!(f.kind, FieldKind::Buffer));
            let known: Vec<String> = (self.scope.keys().cloned())
                .chain(buffers.map(|f| f.name.to_string()))
                .collect();
            let hint = crate::diag::did_you_mean(&text, known.iter().map(String::as_str));
            let help = match hint.is_empty() {
                true => format!("\nhelp: declare it before: `let mut {text} = ..`"),
                false => hint,
            };
            let text = format!("there is no variable `{text}`{help}");
            return Err(self.cx.error(name.span(), text));
        }
        if !self.is_carried(&text) {
            let message = format!(
                "cannot assign to `{text}`, which is declared outside this step\nhelp: make it a part of the state: `scan(x, (.., {text}), |(.., {text}), x_t| ..)`"
            );
            return Err(self.cx.error(name.span(), message));
        }
        if !self.mutable.contains(&text) {
            return Err(self.not_mutable(name));
        }
        self.bind(&ast::Pat::Name(name.clone(), true), result, source)
    }

    /// The error for an assignment to a name that is not `mut`, with the way to make it so.
    fn not_mutable(&self, name: &Ident) -> ErrorReported {
        let by = self.scope.get(&name.to_string()).map(|local| &local.by);
        let help = match by.unwrap_or(&Binding::Let) {
            Binding::Let => format!("declare it `let mut {name} = ..`"),
            Binding::Argument => format!("begin the function with `let mut {name} = {name};`"),
            Binding::Step => format!("begin the closure with `let mut {name} = {name};`"),
            Binding::Layer(over) => {
                let text =
                    format!("cannot assign to `{name}`: in this loop it is a layer of `{over}`");
                return self.cx.error(name.span(), text);
            }
            Binding::Part(over, what) => {
                let (of, why, mend) = match what {
                    Whole::Argument => (
                        "the argument ",
                        "`mut`",
                        format!("write `let mut {over} = {over};` before the loop"),
                    ),
                    Whole::Variable => (
                        "",
                        "`mut`",
                        format!("write `let mut {over} = ..` before the loop"),
                    ),
                    Whole::Value => (
                        "",
                        "a variable",
                        format!("loop over a variable, `let mut {name}s = {over};`"),
                    ),
                };
                let text = format!(
                    "cannot assign to `{name}`, because {of}`{over}` is not {why}\nnote: `{name}` is a slice of it\nhelp: for a new value, write `let {name}2 = ..`\nhelp: to change the tensor, {mend}"
                );
                return self.cx.error(name.span(), text);
            }
        };
        let text = format!("cannot assign to `{name}`, which is not declared `mut`\nhelp: {help}");
        self.cx.error(name.span(), text)
    }

    /// Whether an assignment here reaches a variable: iterations of `for` carry it, but it does not leave the step of a
    /// scan.
    pub(super) fn is_carried(&self, name: &str) -> bool {
        let own = self.scope.get(name).map_or(0, |l| l.depth);
        (own + 1..=self.depth()).all(|d| self.rounds.contains(&d))
    }

    /// Assigns a buffer, in training.
    fn assign_field(&mut self, index: usize, name: &Ident, value: &ast::Expr) -> Reported<()> {
        if self.takes_values(index, name)? {
            let result = self.expr(value)?;
            return self.assign_buffer(index, name, result, value);
        }
        match self.net.fields[index].kind {
            FieldKind::ErrorReported => self.expr(value).map(|_| ()),
            _ => Ok(()),
        }
    }

    /// Whether an assignment to a field has to be computed here.
    fn takes_values(&mut self, index: usize, name: &Ident) -> Reported<bool> {
        self.uses(index);
        let field = &self.net.fields[index];
        match field.kind {
            FieldKind::Buffer => {}
            FieldKind::ErrorReported => return Ok(false),
            FieldKind::Absent(_) => return Err(self.absent(index, name.span())),
            FieldKind::Param => {
                let text = format!(
                    "cannot assign to `{name}`, which is a parameter\n{}\nnote: only optimizers change parameters\nhelp: to assign to `{name}`, declare a buffer: `{}`",
                    field.decl,
                    field.decl.replacen(": Param[", ": Buffer[", 1)
                );
                return Err(self.cx.error(name.span(), text));
            }
            FieldKind::Layer(_) | FieldKind::Block(_) | FieldKind::Group { .. } => {
                let text = format!(
                    "cannot assign to `{name}`, which is a layer\n{}",
                    field.decl
                );
                return Err(self.cx.error(name.span(), text));
            }
        }
        // In evaluation a buffer keeps its value.
        Ok(self.opaque || self.updating())
    }

    fn assign_buffer(
        &mut self,
        index: usize,
        name: &Ident,
        result: Value,
        value: &ast::Expr,
    ) -> Reported<()> {
        let field = &self.net.fields[index];
        let lifted = match result {
            Value::Bool(b) => Some(self.cx.boolean(b)),
            _ => self.cx.lift(&result, &value.to_string()),
        };
        let Some(t) = lifted else {
            let text = format!(
                "the buffer `{name}` holds a tensor, but `{value}` is {}",
                result.kind()
            );
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
                "the buffer `{name}` holds {}, but `{}` holds {}\n{}\nhelp: {}",
                named(to),
                t.text,
                named(from),
                field.decl,
                conversion_help(to, from, &value.to_string())
            );
            return Err(self.cx.error(value.span, text));
        }
        if !(self.cx).same_shape(self.cx.g.shape(t.id), self.cx.g.shape(home)) {
            let text = format!(
                "the buffer `{name}` is {}, but `{}` is {}{}\n{}",
                self.cx.typed(home),
                t.text,
                self.cx.typed(t.id),
                self.cx.origin_line(&t),
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
                        format!(
                            "`{text}` is the name of a size: choose another name for the variable"
                        ),
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
                let items = self.items(pats.len(), *span, value, source);
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

    /// The parts of a tuple, for the `names` on the left side at `span`.
    fn items(
        &mut self,
        names: usize,
        span: Span,
        value: Reported<Value>,
        source: &ast::Expr,
    ) -> Vec<Reported<Value>> {
        let text = match value {
            Ok(Value::Tuple(items)) if items.len() == names => {
                return items.into_iter().map(Ok).collect();
            }
            Ok(Value::Tuple(items)) => format!(
                "`{source}` returns {}, but {} given",
                crate::args::count(items.len(), "value"),
                match names {
                    1 => "1 name is".to_owned(),
                    n => format!("{n} names are"),
                }
            ),
            Ok(Value::Tensor(t)) => {
                // As Python iterates: along the first dimension.
                let first = self.cx.shape(&t).first().cloned();
                match first.as_ref().map(Dim::value) {
                    Some(Some(n)) if n == names as i64 => {
                        let parts = ops::unbound(&mut self.cx, span, &t, 0, names);
                        return match parts {
                            Ok(parts) => parts.into_iter().map(Ok).collect(),
                            Err(p) => vec![Err(p); names],
                        };
                    }
                    Some(_) => format!(
                        "the first dimension of `{source}` must be {names}, one for each variable, but `{source}` is {}",
                        self.cx.typed(t.id)
                    ),
                    None => format!("`{source}` is a scalar, not a tuple"),
                }
            }
            Ok(other) => format!("`{source}` is {}, not a tuple", other.kind()),
            Err(p) => return vec![Err(p); names],
        };
        vec![Err(self.cx.error(span, text)); names]
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
                let text =
                    "`..` has no meaning here: no argument of this function has `..` in its shape";
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
                "`{source}` holds {}, but is declared as `{}`\nhelp: {}",
                named(from),
                elem.name(),
                conversion_help(elem.dtype(), from, &source.to_string())
            );
            return Err(self.cx.error(ty.span, text));
        }
        if !self.cx.same_shape(self.cx.g.shape(t.id), &shape) {
            let text = format!(
                "`{source}` is {}, but is declared as {}{}",
                self.cx.typed(t.id),
                show_shape(&shape),
                self.cx.origin_line(&t)
            );
            return Err(self.cx.error(ty.span, text));
        }
        Ok(Value::Tensor(t))
    }
}
