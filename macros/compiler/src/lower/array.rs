//! Arrays of layers, element by element: `layers[0](x)`; and the names in scope.

use super::{Binding, Local, Lower};
use crate::diag::{ErrorReported, Reported};
use crate::dim::Dim;
use crate::ir::NodeId;
use crate::value::{LayerRef, Value, nearest};
use proc_macro2::Span;

impl Lower<'_> {
    /// One layer of an array.
    pub fn element(&mut self, layers: &LayerRef, at: &Value, span: Span) -> Reported<Value> {
        if let Some(member) = self.member_at(layers, at, span) {
            return member;
        }
        let field = &self.net.fields[layers.field];
        let Some(count) = field.stack.get(layers.level).cloned() else {
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
        let Value::Whole(n) = at else {
            let found = match at {
                Value::Number(n) => n.to_string(),
                other => other.kind().to_owned(),
            };
            let text = format!(
                "the index of `{}` must be an integer, not {found}",
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
        let element = |p: &NodeId| self.updates.element(g, *p, index.clone());
        let params = layers.params.iter().map(element).collect();
        Ok(Value::Layer(LayerRef {
            field: layers.field,
            level: layers.level + 1,
            params,
        }))
    }

    /// Binds a name at this depth.
    pub fn set(&mut self, name: String, value: Option<Value>) {
        self.set_by(name, value, Binding::Let);
    }

    /// The same, with what binds it.
    pub fn set_by(&mut self, name: String, value: Option<Value>, by: Binding) {
        let depth = self.depth();
        self.scope.insert(name, Local { value, depth, by });
    }

    /// The value of a name, in the current graph; records that it was read.
    pub fn local(&mut self, name: &str) -> Option<Reported<Value>> {
        let local = self.scope.get(name)?.clone();
        self.read.push(name.to_owned());
        Some(match local.value {
            Some(value) => Ok(self.bring_value(value, local.depth)),
            None => Err(ErrorReported),
        })
    }
}
