//! `layer.weight`: the parameters of layers and of networks in fields.

use super::Lower;
use super::call::plain;
use crate::args::no_such;
use crate::ast::{Expr, ExprKind};
use crate::diag::{ErrorReported, Reported, did_you_mean};
use crate::net::FieldKind;
use crate::value::{LayerRef, Tensor, Value};
use proc_macro2::{Ident, Span};

impl Lower<'_> {
    /// `layer.weight`: a parameter of a layer; `block.layer.weight`: of a layer of a network.
    pub(super) fn member(&mut self, x: &Expr, name: &Ident) -> Reported<Value> {
        let mut path = name.to_string();
        let mut root = x;
        while let ExprKind::Field(inner, part) = &root.kind {
            path = format!("{part}.{path}");
            root = inner;
        }
        if let ExprKind::Field(..) = x.kind
            && let Some(layer) = self.layer_at(root)
        {
            return self.layer_param(&layer?, root, &path, name.span());
        }
        if let ExprKind::Name(base) = &x.kind
            && !self.scope.contains_key(&base.to_string())
            && let Some(i) = self.net.fields.iter().position(|f| *base == f.name)
            && self.net.fields[i].stack.is_empty()
        {
            self.uses(i);
            let field = &self.net.fields[i];
            let full = format!("{}.{name}", field.prefix);
            if let Some(p) = self.net.params.iter().position(|p| p.name == full) {
                let id = self.param(p);
                let text = format!("{base}.{name}");
                return Ok(Value::Tensor(Tensor { id, text }));
            }
            match field.kind {
                FieldKind::ErrorReported => return Err(ErrorReported),
                FieldKind::Absent(_) => return Err(self.absent(i, name.span())),
                _ => {}
            }
            let names: Vec<&str> = field
                .params
                .clone()
                .filter_map(|p| self.net.params[p].name.get(field.prefix.len() + 1..))
                .collect();
            let has = no_such("parameter", &name.to_string(), &names);
            let hint = did_you_mean(&name.to_string(), names);
            return Err(self.cx.error(
                name.span(),
                format!("`{base}` has {has}{hint}\n{}", field.decl),
            ));
        }
        let v = self.expr(x)?;
        if let Value::Layer(layer) = &v {
            return self.layer_param(layer, x, &path, name.span());
        }
        if *name == "T" {
            return self.op("t", name.span(), vec![plain(v, x)]);
        }
        let help = match &v {
            Value::Tensor(t) if *name == "shape" && !self.cx.g.shape(t.id).is_empty() => {
                let sizes = self.cx.g.shape(t.id).iter().map(|d| format!("`{d}`"));
                format!(
                    "\nhelp: in place of `{x}.shape`, write the size itself, {}: `{x}` is {}",
                    sizes.collect::<Vec<_>>().join(" or "),
                    self.cx.typed(t.id)
                )
            }
            _ => String::new(),
        };
        Err(self
            .cx
            .error(name.span(), format!("a tensor has no field `{name}`{help}")))
    }

    /// `layer.weight` of a layer in an array, `block.layer.weight` of a network.
    fn layer_param(
        &mut self,
        layer: &LayerRef,
        x: &Expr,
        name: &str,
        span: Span,
    ) -> Reported<Value> {
        let field = &self.net.fields[layer.field];
        if layer.level < field.stack.len() {
            let text = format!(
                "`{x}` is an array of layers: choose one layer, `{x}[0].{name}`\n{}",
                field.decl
            );
            return Err(self.cx.error(span, text));
        }
        // The offset after the field's name and the array's places.
        let begin = field.prefix.len() + 1;
        let own = |p: usize| self.net.params[p].name.get(begin..).unwrap_or_default();
        let names: Vec<&str> = field.params.clone().map(own).collect();
        if let Some(k) = names.iter().position(|n| name == *n) {
            return Ok(Value::Tensor(Tensor {
                id: self.updates.latest(&mut self.cx.g, layer.params[k]),
                text: format!("{x}.{name}"),
            }));
        }
        let has = no_such("parameter", name, &names);
        let hint = did_you_mean(name, names);
        let text = format!("`{x}` has {has}{hint}\n{}", field.decl);
        Err(self.cx.error(span, text))
    }
}
