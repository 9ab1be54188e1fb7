//! Arrays of layers, element by element: `layers[0](x)`; their parts: `layers[1..3]`; and the names in scope.

use super::{Binding, Local, Lower};
use crate::ast;
use crate::diag::{ErrorReported, Reported};
use crate::dim::Dim;
use crate::ir::NodeId;
use crate::value::{LayerRef, Tensor, Value, nearest};
use proc_macro2::Span;

impl Lower<'_> {
    /// One layer of an array.
    pub fn element(&mut self, layers: &LayerRef, at: &Value, span: Span) -> Reported<Value> {
        if let Some(member) = self.member_at(layers, at, span) {
            return member;
        }
        let field = &self.net.fields[layers.field];
        let Some(count) = self.count(layers) else {
            let what = match layers.level {
                0 => format!("`{}`", field.path),
                _ => format!("an element of `{}`", field.path),
            };
            let text = format!(
                "{what} is one layer, not an array: remove the index\n{}",
                field.decl
            );
            return Err(self.cx.error(span, text));
        };
        // The number of a loop that is compiled once: the layer's parameters are taken from those of all.
        if let Value::Tensor(i) = at
            && self.cx.g[i.id].dtype == crate::ir::DType::Int
            && self.cx.shape(i).is_empty()
        {
            let field = &self.net.fields[layers.field];
            if self.net.params[field.params.clone()]
                .iter()
                .any(|p| p.buffer)
            {
                let text = format!(
                    "`{0}` has buffers, so its index must be a number, not a tensor\nhelp: to go over the layers, write `for layer in {0} {{ .. }}`",
                    field.path
                );
                return Err(self.cx.error(span, text));
            }
            let mut params = Vec::new();
            for p in &layers.params {
                let latest = self.updates.latest(&mut self.cx.g, *p);
                let all = Tensor {
                    id: latest,
                    text: self.net.fields[layers.field].path.clone(),
                };
                params
                    .push(crate::ops::at(&mut self.cx, span, &all, 0, std::slice::from_ref(i))?.0);
            }
            return Ok(Value::Layer(LayerRef {
                field: layers.field,
                level: layers.level + 1,
                params,
                part: None,
            }));
        }
        let Value::Whole(n) = at else {
            let found = match at {
                Value::Number(n) => n.to_string(),
                other => other.kind().to_owned(),
            };
            let text = format!(
                "the index of `{0}` must be an integer, not {found}\nhelp: to go over the layers, write `for layer in {0} {{ .. }}`",
                field.path
            );
            return Err(self.cx.error(span, text));
        };
        let n = nearest(*n);
        let index = if n < 0 {
            count.add(&Dim::from(n))
        } else {
            Dim::from(n)
        };
        if let Some(size) = count.value()
            && !(-size..size).contains(&n)
        {
            let text = format!(
                "index {n} is out of range: `{}` has {}\n{}",
                field.path,
                crate::args::count(usize::try_from(size).unwrap_or(0), "layer"),
                field.decl
            );
            return Err(self.cx.error(span, text));
        }
        if count.value().is_none() {
            let least = Dim::from(if n < 0 { -n } else { n + 1 });
            self.cx
                .at_least(&count, &least, span, "an element of an array")?;
        }
        let g = &mut self.cx.g;
        let element = |p: &NodeId| self.updates.part(g, *p, index.clone(), None);
        let params = layers.params.iter().map(element).collect();
        Ok(Value::Layer(LayerRef {
            field: layers.field,
            level: layers.level + 1,
            params,
            part: None,
        }))
    }

    /// The number of layers, if this is an array or a part of one.
    pub fn count(&self, layers: &LayerRef) -> Option<Dim> {
        let count = self.net.fields[layers.field].stack.get(layers.level)?;
        Some(match &layers.part {
            Some((_, count)) => count.clone(),
            None => count.clone(),
        })
    }

    /// `layers[1..3]`: some layers of an array or list, in their order.
    pub fn layers(&mut self, of: &LayerRef, s: &ast::Slice) -> Reported<Value> {
        let members = self.members(of);
        let listed = members.as_ref().map(|m| Dim::from(m.len() as i64));
        let Some(size) = listed.or_else(|| self.count(of)) else {
            let field = &self.net.fields[of.field];
            let text = format!(
                "`{}` is one layer, not an array\n{}",
                field.path, field.decl
            );
            return Err(self.cx.error(s.span, text));
        };
        if let Some(step) = &s.step
            && !matches!(self.expr(step)?, Value::Whole(1))
        {
            let text = format!(
                "a part of an array of layers cannot have a step\nhelp: choose single layers, as in `{}[0]`",
                self.net.fields[of.field].path
            );
            return Err(self.cx.error(step.span, text));
        }
        let from = self.end_of(&size, s, s.from.as_ref(), Dim::from(0))?;
        let mut to = self.end_of(&size, s, s.to.as_ref(), size.clone())?;
        if s.closed {
            to = to.add(&Dim::one());
        }
        if let (true, Some(a), Some(b)) = (s.colon, from.value(), to.value()) {
            to = Dim::from(b.max(a));
        }
        if let (Some(a), Some(b), Some(n)) = (from.value(), to.value(), size.value())
            && !(0 <= a && a <= b && b <= n)
        {
            let field = &self.net.fields[of.field];
            let layers = crate::args::count(usize::try_from(n).unwrap_or(0), "layer");
            let text = match a > b {
                true => format!(
                    "the part {a}..{b} of `{}` ends before it begins\n{}",
                    field.path, field.decl
                ),
                false => format!(
                    "the range {a}..{b} is out of bounds: `{}` has {layers}\n{}",
                    field.path, field.decl
                ),
            };
            return Err(self.cx.error(s.span, text));
        }
        let why = "a part of an array";
        self.cx.at_least(&from, &Dim::from(0), s.span, why)?;
        self.cx.at_least(&to, &from, s.span, why)?;
        self.cx.at_least(&size, &to, s.span, why)?;
        let count = to.sub(&from);
        let mut params = of.params.clone();
        if members.is_none() {
            let g = &mut self.cx.g;
            let part = |p: &NodeId| {
                let count = Some(count.clone());
                self.updates.part(g, *p, from.clone(), count)
            };
            params = of.params.iter().map(part).collect();
        }
        let first = of.part.as_ref().map_or(from.clone(), |p| p.0.add(&from));
        Ok(Value::Layer(LayerRef {
            params,
            part: Some((first, count)),
            ..of.clone()
        }))
    }

    /// One end of a part of `size` layers. With colons it is at most the size, as in Python.
    fn end_of(
        &mut self,
        size: &Dim,
        s: &ast::Slice,
        end: Option<&ast::Expr>,
        default: Dim,
    ) -> Reported<Dim> {
        let Some(e) = end else { return Ok(default) };
        let at = match self.expr(e)? {
            Value::Whole(n) => Dim::from(nearest(n)),
            Value::Dim(d) => d,
            other => {
                let text = format!(
                    "the bounds of a range of layers must be integers, not {}",
                    other.kind()
                );
                return Err(self.cx.error(e.span, text));
            }
        };
        let at = match (at.value(), &e.kind) {
            (Some(n), _) if n < 0 => size.add(&at),
            (None, ast::ExprKind::Neg(_)) => size.add(&at),
            _ => at,
        };
        Ok(match (s.colon, at.value(), size.value()) {
            (true, Some(n), Some(size)) => Dim::from(n.clamp(0, size)),
            _ => at,
        })
    }

    /// Binds a name at this depth.
    pub fn set(&mut self, name: String, value: Option<Value>) {
        self.set_by(name, value, Binding::Let);
    }

    /// The same, with what binds it.
    pub fn set_by(&mut self, name: String, value: Option<Value>, by: Binding) {
        let depth = self.depth();
        let fraction = None;
        let local = Local {
            value,
            fraction,
            depth,
            by,
        };
        self.scope.insert(name, local);
    }

    /// The value of a name, in the current graph.
    pub fn local(&mut self, name: &str) -> Option<Reported<Value>> {
        if let Some(value) = self.fraction(name) {
            return Some(value);
        }
        let local = self.scope.get(name)?.clone();
        Some(match local.value {
            Some(value) => Ok(self.bring_value(value, local.depth)),
            None => Err(ErrorReported),
        })
    }
}
