//! Calls of layers inside a network in a field: `moe.gate(x)`, `bert.layers[0].attention(x)`.

use super::Lower;
use crate::args::Given;
use crate::ast::{self, Expr, ExprKind, Item};
use crate::diag::{ErrorReported, Reported};
use crate::net::{FieldKind, Instance};
use crate::value::{LayerRef, Value};
use proc_macro2::{Ident, Span};

/// A step from a network to a layer in it.
enum Step {
    /// Of this name.
    Field(Ident),
    /// Of this number in an array or list.
    At(i128, Span),
}

impl<'a> Lower<'a> {
    /// The call of the layer that `callee` names, if that is a layer inside a network in a field.
    pub(super) fn inner_call(
        &mut self,
        callee: &Expr,
        span: Span,
        args: &[ast::Arg],
    ) -> Option<Reported<Value>> {
        let mut steps = Vec::new();
        let mut root = callee;
        let net = self.net;
        let (of, instance) = loop {
            match &root.kind {
                ExprKind::Field(x, name) => {
                    steps.insert(0, Step::Field(name.clone()));
                    root = x;
                }
                ExprKind::Index(x, items) => {
                    let at = number(items)?;
                    steps.insert(0, Step::At(at, root.span));
                    root = x;
                }
                _ => return None,
            }
            // The network is the longest name that is one.
            if !steps.is_empty()
                && matches!(steps[0], Step::Field(_))
                && let Some(of) = self.block_at(root)
            {
                let of = match of {
                    Ok(of) => of,
                    Err(p) => return Some(Err(p)),
                };
                let field = &net.fields[of.field];
                match &field.kind {
                    FieldKind::Block(instance) if of.level == field.stack.len() => {
                        break (of, &**instance);
                    }
                    _ => return None,
                }
            }
        };
        let Step::Field(first) = &steps[0] else {
            return None;
        };
        if !instance.net.fields.iter().any(|f| f.name == *first) {
            return None;
        }
        let given = match self.given(args) {
            Ok(given) => given,
            Err(p) => return Some(Err(p)),
        };
        Some(self.descend(instance, of.params, &steps, span, given, args))
    }

    fn descend(
        &mut self,
        instance: &'a Instance,
        params: Vec<crate::ir::NodeId>,
        steps: &[Step],
        span: Span,
        given: Vec<Given>,
        args: &[ast::Arg],
    ) -> Reported<Value> {
        self.within(instance, params, span, |lower| {
            let net = lower.net;
            let Some((Step::Field(name), mut rest)) = steps.split_first() else {
                return Err(ErrorReported);
            };
            let Some(index) = net.fields.iter().position(|f| f.name == *name) else {
                let text = format!("`{}` has no layer `{name}`", net.name);
                return Err(lower.cx.error(name.span(), text));
            };
            let mut of: LayerRef = lower.whole(index);
            while let Some((Step::At(at, span), others)) = rest.split_first() {
                of = match lower.element(&of, &Value::Whole(*at), *span)? {
                    Value::Layer(of) => of,
                    _ => return Err(ErrorReported),
                };
                rest = others;
            }
            let field = &net.fields[of.field];
            match (rest.first(), &field.kind) {
                (None, _) => lower.call_layer(of, span, given, args),
                (Some(Step::Field(name)), FieldKind::Block(inner))
                    if of.level == field.stack.len() =>
                {
                    let function = inner.net.signatures.iter().position(|s| s.name == *name);
                    match function.filter(|_| rest.len() == 1) {
                        Some(at) => lower.call_block(&of, inner, Some(at), span, given, args),
                        None => lower.descend(inner, of.params, rest, span, given, args),
                    }
                }
                _ => {
                    let text = format!("`{}` contains no layers\n{}", field.path, field.decl);
                    Err(lower.cx.error(span, text))
                }
            }
        })
    }
}

/// The literal integer in brackets.
fn number(items: &[Item]) -> Option<i128> {
    let [Item::At(at)] = items else {
        return None;
    };
    match &at.kind {
        ExprKind::Whole(n) => Some(*n),
        ExprKind::Neg(n) => match n.kind {
            ExprKind::Whole(n) => Some(-n),
            _ => None,
        },
        _ => None,
    }
}
