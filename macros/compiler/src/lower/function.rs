//! A function's body, lowered on arguments: its results, and the final values of its `#[state]` arguments.

use super::{Binding, Done, Local, Lower, show_type, substitute};
use crate::ast;
use crate::diag::{ErrorReported, Reported};
use crate::dim::{Dim, Shape};
use crate::elem::Elem;
use crate::net::{Signature, Type};
use crate::ranges;
use crate::takes::converted;
use crate::value::{Tensor, Value};
use proc_macro2::{Ident, Span};
use std::collections::HashMap;

impl Lower<'_> {
    /// Lowers a function's body on arguments.
    pub(super) fn function(
        &mut self,
        index: usize,
        args: Vec<Tensor>,
        dims: &HashMap<String, Dim>,
    ) -> Reported<Done> {
        let (source, signature) = (&self.source.functions[index], &self.net.signatures[index]);
        if source.custom.is_some() {
            let results = self.custom(signature, &args, dims)?;
            return Ok(Done {
                results,
                kept: Vec::new(),
            });
        }
        let Some(body) = &source.body else {
            return Err(ErrorReported);
        };
        let mut scope = HashMap::new();
        for (arg, t) in signature.args.iter().zip(args) {
            let name = arg.name.to_string();
            self.cx.origin.entry(t.id).or_insert_with(|| name.clone());
            let value = Value::Tensor(Tensor {
                id: t.id,
                text: name.clone(),
            });
            let local = Local {
                value: Some(value),
                fraction: None,
                depth: self.depth(),
                by: Binding::Argument,
            };
            scope.insert(name, local);
        }
        let mut own: HashMap<String, Dim> = signature
            .dims
            .iter()
            .map(|d| (d.clone(), Dim::named(d)))
            .collect();
        own.extend(dims.iter().map(|(k, v)| (k.clone(), v.clone())));
        let states = || signature.args.iter().filter(|a| a.state);
        let mutable = states().map(|a| a.name.to_string()).collect();
        let saved = (
            std::mem::replace(&mut self.scope, scope),
            std::mem::replace(&mut self.mutable, mutable),
            std::mem::replace(&mut self.dims, own),
        );
        // Evaluation mode as after PyTorch's `eval()`, for every caller.
        let train = self.cx.train;
        self.cx.train &= !signature.eval;
        let result = self.body(body, source, signature);
        self.cx.train = train;
        let result = match result {
            Ok(results) => self
                .kept(&signature.name, states())
                .map(|kept| Done { results, kept }),
            Err(p) => Err(p),
        };
        (self.scope, self.mutable, self.dims) = saved;
        result
    }

    /// The values that `#[state]` arguments have when the body ends.
    pub(super) fn kept<'s>(
        &mut self,
        function: &Ident,
        states: impl Iterator<Item = &'s crate::net::Arg>,
    ) -> Reported<Vec<Tensor>> {
        let mut out = Vec::new();
        for arg in states {
            let name = arg.name.to_string();
            let value = match self.scope.get(&name) {
                Some(Local {
                    value: Some(value), ..
                }) => value.clone(),
                _ => return Err(ErrorReported),
            };
            let want = self.substitute(&arg.ty.shape);
            let lifted = self.cx.lift(&value, &name);
            let t = match lifted {
                Some(t) if arg.ty.elem == Elem::Float => self.cx.to_float(&t),
                Some(t) => t,
                None => {
                    let text = format!(
                        "the state `{name}` must hold a tensor when `{function}` returns, but holds {}",
                        value.kind()
                    );
                    return Err(self.cx.error(arg.name.span(), text));
                }
            };
            if self.cx.g[t.id].dtype != arg.ty.elem.dtype()
                || !self.cx.same_shape(self.cx.g.shape(t.id), &want)
            {
                let text = format!(
                    "the state `{name}` is declared as {}, but is {} when `{function}` returns{}\nnote: a state must keep its type and shape",
                    show_type(&arg.ty, &want),
                    self.cx.typed(t.id),
                    self.cx.origin_line(&t)
                );
                return Err(self.cx.error(arg.name.span(), text));
            }
            out.push(t);
        }
        Ok(out)
    }

    pub(super) fn body(
        &mut self,
        body: &ast::Block,
        source: &ast::Function,
        signature: &Signature,
    ) -> Reported<Vec<Tensor>> {
        let value = self.statements(body)?;
        let (Some(tail), Some(value)) = (&body.tail, value) else {
            let text = format!(
                "`{}` ends without a result\nhelp: leave the result as the last expression, without `;`",
                source.name
            );
            return Err(self.cx.error(source.end, text));
        };
        let values = match value {
            Value::Tuple(items) => items,
            one => vec![one],
        };
        if values.len() != signature.ret.len() {
            let mut text = format!(
                "`{}` returns {}, but is declared to return {}",
                source.name,
                crate::args::count(values.len(), "value"),
                crate::args::count(signature.ret.len(), "value")
            );
            if let (ast::ExprKind::Call(..), [_]) = (&tail.kind, signature.ret.as_slice()) {
                let rest = vec!["_"; values.len() - 1].join(", ");
                text += &format!(
                    "\nhelp: to use only the first value, write `let (y, {rest}) = {tail};`"
                );
            }
            return Err(self.cx.error(tail.span, text));
        }
        // A tuple that is written shows the place of each result.
        let parts = match &tail.kind {
            ast::ExprKind::Tuple(parts) if parts.len() == values.len() => parts.as_slice(),
            _ => &[],
        };
        let mut out = Vec::new();
        for (k, (v, ty)) in values.iter().zip(&signature.ret).enumerate() {
            let part = parts.get(k).unwrap_or(tail);
            let Some(t) = self.cx.lift(v, &part.to_string()) else {
                let text = format!("`{}` must return tensors, not {}", source.name, v.kind());
                return Err(self.cx.error(part.span, text));
            };
            let want = self.whole_shape(ty);
            let t = if ty.elem == Elem::Float {
                self.cx.to_float(&t)
            } else {
                t
            };
            self.cx.small(t.id, &t.text, part.span)?;
            if self.cx.g[t.id].dtype != ty.elem.dtype()
                || !self.cx.same_shape(self.cx.g.shape(t.id), &want)
            {
                let (from, to) = (self.cx.g[t.id].dtype, ty.elem.dtype());
                let found = self.cx.typed(t.id);
                let mut help = format!("\nhelp: declare `-> {}`", with(signature, k, &found));
                if *self.cx.g.shape(t.id) == want {
                    help += &format!(", or convert it: `{}`", converted(to, from, &t.text));
                }
                let text = format!(
                    "`{}` returns {found}, but is declared to return {}{}{help}",
                    source.name,
                    show_type(ty, &want),
                    self.cx.origin_note(&t),
                );
                return Err(self.cx.error(part.span, text));
            }
            self.may_fit(&t, (signature, k), &want, part.span)?;
            out.push(t);
        }
        Ok(out)
    }

    /// A result that surely lies outside its declared type is an error; one that may fit is checked when it is read.
    fn may_fit(
        &self,
        t: &Tensor,
        (signature, k): (&Signature, usize),
        want: &Shape,
        span: Span,
    ) -> Reported<()> {
        let ty = &signature.ret[k];
        let Some((least, most)) = ranges::of(ty.elem) else {
            return Ok(());
        };
        let found = self.cx.range(t.id);
        if found.0 <= most && found.1 >= least {
            return Ok(());
        }
        let found = match found {
            (a, b) if a == b => format!("{a}, which is outside"),
            (a, b) => format!("integers from {a} to {b}, which are outside"),
        };
        let wide = Type {
            elem: Elem::I64,
            shape: want.clone(),
            rest: None,
        };
        let text = format!(
            "`{}` returns {found} `{}`{}\nhelp: declare `-> {}`",
            signature.name,
            ty.elem.name(),
            self.cx.origin_note(t),
            with(signature, k, &show_type(&wide, want))
        );
        Err(self.cx.error(span, text))
    }

    /// The same for a type, with the dimensions of its `..`.
    pub(super) fn whole_shape(&self, ty: &Type) -> Shape {
        let mut shape = self.substitute(&ty.shape);
        if let (Some(at), Some(rest)) = (ty.rest, &self.rest) {
            shape.splice(at..at, rest.iter().cloned());
        }
        shape
    }

    /// A shape of the function's signature in the dimensions of the graph.
    pub fn substitute(&self, shape: &Shape) -> Shape {
        shape.iter().map(|d| substitute(d, &self.dims)).collect()
    }
}

/// The declared results, with another type for number `k`.
fn with(signature: &Signature, k: usize, ty: &str) -> String {
    let all: Vec<String> = (signature.ret.iter().enumerate())
        .map(|(i, own)| match i == k {
            true => ty.to_owned(),
            false => show_type(own, &own.shape),
        })
        .collect();
    match signature.tuple || all.len() > 1 {
        true => format!("({})", all.join(", ")),
        false => all.join(", "),
    }
}
