//! `layer.weight`: the parameters of layers and of networks in fields.

use super::Lower;
use super::call::plain;
use crate::args::{Given, no_such};
use crate::ast::{Expr, ExprKind};
use crate::check;
use crate::diag::{ErrorReported, Reported, did_you_mean};
use crate::dim::{Dim, numel};
use crate::net::FieldKind;
use crate::value::{LayerRef, Tensor, Value};
use proc_macro2::{Ident, Span};

impl Lower<'_> {
    /// `layer.weight`: a parameter of a layer; `block.layer.weight`: of a layer of a network.
    pub(super) fn member(&mut self, x: &Expr, name: &Ident) -> Reported<Value> {
        if let Some(value) = self.attribute(x, name) {
            return value;
        }
        if let (ExprKind::Name(array), Some(column)) = (&x.kind, name.to_string().strip_prefix('_'))
            && check::is_constant(&array.to_string())
            && column.parse::<usize>().is_ok()
        {
            let text = format!(
                "the macro does not know the value of `{array}`\nnote: a loop with several variables needs an array of tuples in this file: `const {array}: [(usize, f64); 2] = ..`\nhelp: to iterate over two arrays together, write `for (block, cache) in zip(blocks, caches)`"
            );
            return Err(self.cx.error(array.span(), text));
        }
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
        Err(self
            .cx
            .error(name.span(), format!("{} has no field `{name}`", v.kind())))
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

    /// PyTorch's attributes of a tensor: `x.shape` and `x.ndim`, `x.T` and `x.mT`, and `values` and `indices` of a pair such
    /// as `x.max(1)`.
    fn attribute(&mut self, x: &Expr, name: &Ident) -> Option<Reported<Value>> {
        let text = name.to_string();
        let pair = ["values", "indices"].iter().position(|n| *n == text);
        if pair.is_none() && !["shape", "ndim", "T", "mT"].contains(&text.as_str()) {
            return None;
        }
        // A layer may have a parameter of this name.
        if let ExprKind::Name(base) = &x.kind
            && !self.scope.contains_key(&base.to_string())
            && self
                .net
                .fields
                .iter()
                .any(|f| *base == f.name && !matches!(f.kind, FieldKind::Param | FieldKind::Buffer))
        {
            return None;
        }
        if let Some(k) = pair {
            let value = match self.expr(x) {
                Ok(value) => value,
                Err(p) => return Some(Err(p)),
            };
            return match value {
                Value::Tuple(mut items) if items.len() == 2 => Some(Ok(items.remove(k))),
                _ => None,
            };
        }
        let value = match self.expr(x) {
            Ok(Value::Layer(_)) => return None,
            Ok(value) => value,
            Err(p) => return Some(Err(p)),
        };
        let Value::Tensor(t) = &value else {
            return None;
        };
        let shape = self.cx.shape(t);
        Some(match text.as_str() {
            "shape" => Ok(sizes(&shape)),
            "ndim" => Ok(Value::Whole(shape.len() as i128)),
            "T" => self.op("t", name.span(), vec![plain(value, x)]),
            _ => {
                let last = |k: i128| Given {
                    name: None,
                    value: Value::Whole(k),
                    span: name.span(),
                    text: k.to_string(),
                };
                self.op(
                    "transpose",
                    name.span(),
                    vec![plain(value, x), last(-2), last(-1)],
                )
            }
        })
    }

    /// PyTorch's methods that give sizes: `x.size()`, `x.size(1)`, `x.dim()`, `x.numel()`, and `len(x)`.
    pub(super) fn size_of(
        &mut self,
        t: &Tensor,
        name: &Ident,
        args: &[Given],
    ) -> Option<Reported<Value>> {
        let shape = self.cx.shape(t);
        Some(match (name.to_string().as_str(), args) {
            ("size", []) => Ok(sizes(&shape)),
            ("size", [at]) => match at.value {
                Value::Whole(d) => {
                    let (d, of) = (crate::value::nearest(d), t.clone());
                    let axis = self.cx.axis(d, &of, at.span, "dim");
                    axis.map(|d| Value::of_dim(shape[d].clone()))
                }
                _ => {
                    let text = format!("`dim` of `size` must be an integer, not {}", at.text);
                    Err(self.cx.error(at.span, text))
                }
            },
            ("dim" | "ndimension", []) => Ok(Value::Whole(shape.len() as i128)),
            ("numel" | "nelement", []) => Ok(Value::of_dim(numel(&shape))),
            ("len", []) if !shape.is_empty() => Ok(Value::of_dim(shape[0].clone())),
            _ => return None,
        })
    }
}

/// A shape as a value.
fn sizes(shape: &[Dim]) -> Value {
    Value::Tuple(shape.iter().cloned().map(Value::of_dim).collect())
}
