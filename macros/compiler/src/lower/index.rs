//! Indices and slices: of tensors, arrays of layers, lists and tuples.

use super::Lower;
use super::loops::element_name;
use crate::ast::{self, Expr, ExprKind, Item};
use crate::check;
use crate::diag::Reported;
use crate::dim::Dim;
use crate::ir::DType;
use crate::ops;
use crate::takes::enclosed;
use crate::value::{Tensor, Value};
use proc_macro2::Span;

impl Lower<'_> {
    pub(super) fn index(&mut self, span: Span, x: &Expr, items: &[Item]) -> Reported<Value> {
        let by = std::mem::replace(&mut self.cx.by, format!("`{x}[..]`"));
        let value = self.indexed(span, x, items);
        self.cx.by = by;
        value
    }

    fn indexed(&mut self, span: Span, x: &Expr, items: &[Item]) -> Reported<Value> {
        if let Some(part) = self.part_of_pair(x, items) {
            return part;
        }
        if let (ExprKind::Name(_), [Item::At(at)]) = (&x.kind, items)
            && let ExprKind::Name(i) = &at.kind
            && let Some(element) = self.local(&element_name(x, i).to_string())
        {
            // The number counts as used.
            let _ = self.local(&i.to_string());
            return element;
        }
        if let Some(field) = self.lone_layer(x) {
            let text = format!(
                "`{x}` is one layer, not an array: remove the index\n{}",
                field.decl
            );
            return Err(self.cx.error(span, text));
        }
        if let (ExprKind::Name(n), [Item::At(at)]) = (&x.kind, items)
            && self.is_array(n)
        {
            let index = self.expr(at)?;
            return check::element_of(self.net, &self.cx, n, &index, at.span);
        }
        let mut v = self.expr(x)?;
        // Of a list of numbers, an index other than one number is that of a tensor.
        if let Value::List(_) = &v
            && !matches!(items, [Item::At(_)])
            && let Some(t) = self.cx.lift(&v, &x.to_string())
        {
            v = Value::Tensor(t);
        }
        let tuple = match (&v, items) {
            (Value::Tuple(list) | Value::List(list), [Item::At(i)]) => Some((list.clone(), i)),
            _ => None,
        };
        if let Some((list, i)) = tuple {
            let at = match self.expr(i)? {
                Value::Whole(n) if n >= 0 => usize::try_from(n).unwrap_or(usize::MAX),
                Value::Whole(n) if n + list.len() as i128 >= 0 => (n + list.len() as i128) as usize,
                other => {
                    return Err(self.cx.error(
                        i.span,
                        format!(
                            "the index of a tuple must be an integer, not {}",
                            other.kind()
                        ),
                    ));
                }
            };
            return list.get(at).cloned().ok_or_else(|| {
                self.cx.error(
                    i.span,
                    format!(
                        "index {at} is out of range: `{x}` has {}",
                        crate::args::count(list.len(), "item")
                    ),
                )
            });
        }
        if let (Value::Layer(layers), [Item::At(at)]) = (&v, items) {
            let i = self.expr(at)?;
            return self.element(layers, &i, at.span);
        }
        if let (Value::Layer(layers), [Item::Range(part)]) = (&v, items) {
            return self.layers(layers, part);
        }
        let Value::Tensor(t) = v else {
            let mut text = format!("`{x}` is {}, which cannot be indexed", v.kind());
            if let (ExprKind::Name(n), Value::Dim(_)) = (&x.kind, &v)
                && self.net.constant(&n.to_string()).is_some()
            {
                text += &format!(
                    "\nhelp: of a Rust constant that is an array, one element is allowed: `{n}[0]`\nhelp: `[{n}[0], {n}[1]]` is a list of its elements"
                );
            }
            return Err(self.cx.error(span, text));
        };
        self.slice(span, t, items)
    }

    /// Whether a name is that of a Rust constant that is an array.
    pub(super) fn is_array(&self, n: &proc_macro2::Ident) -> bool {
        let name = n.to_string();
        let here = self.scope.contains_key(&name) || self.dims.contains_key(&name);
        !here && self.net.is_array(&name)
    }

    /// A part of a tensor.
    pub(super) fn slice(&mut self, span: Span, mut t: Tensor, items: &[Item]) -> Reported<Value> {
        let rank = self.cx.shape(&t).len();
        // `None` makes a dimension, as in PyTorch; the other items take one each.
        let added = |i: &&Item| matches!(i, Item::At(e) if matches!(&e.kind, ExprKind::Name(n) if n == "None"));
        let rest = |i: &&Item| matches!(i, Item::Rest(_));
        let fixed = items.iter().filter(|i| !rest(i) && !added(i)).count();
        let rests = items.iter().filter(rest).count();
        if fixed > rank || rests > 1 {
            let text = format!(
                "`{}` has {}, but {} given{}",
                t.text,
                crate::args::count(rank, "dimension"),
                match fixed {
                    1 => "1 index is".to_owned(),
                    n => format!("{n} indices are"),
                },
                self.cx.origin_note(&t)
            );
            return Err(self.cx.error(span, text));
        }
        let mut dim = 0;
        let mut values = Vec::new();
        for item in items {
            values.push(match item {
                Item::At(e) if !added(&item) => Some(self.expr(e)?),
                _ => None,
            });
        }
        // Neighbouring indices that are tensors, and whether there were others.
        let (mut indices, mut twice) = (Vec::new(), false);
        for (k, item) in items.iter().enumerate() {
            match item {
                Item::Rest(_) => dim += rank - fixed,
                Item::At(_) if added(&item) => {
                    t.id = self.cx.g.unsqueeze(t.id, dim);
                    dim += 1;
                }
                Item::At(e) => {
                    let at = values[k].take().unwrap_or(Value::Null);
                    if let Value::Tensor(index) = &at
                        && self.cx.g[index.id].dtype == DType::Bool
                    {
                        let text = format!(
                            "a condition cannot be an index: the number of chosen elements depends on the data\nhelp: `where({}, {1}, 0)` keeps the shape\nhelp: `({1} * {2}).sum() / {2}.int().sum()` is the mean of the chosen elements",
                            index.text,
                            t.text,
                            enclosed(&index.text)
                        );
                        return Err(self.cx.error(e.span, text));
                    }
                    if let Value::Tensor(index) = at {
                        if std::mem::replace(&mut twice, true) && indices.is_empty() {
                            let text = "indices that are tensors must be adjacent\nhelp: first move the indexed dimensions together, as in `x.permute(0, 2, 1)`";
                            return Err(self.cx.error(e.span, text));
                        }
                        indices.push(index);
                        if !matches!(values.get(k + 1), Some(Some(Value::Tensor(_)))) {
                            let all = std::mem::take(&mut indices);
                            let (id, more) = ops::at(&mut self.cx, span, &t, dim, &all)?;
                            t.id = id;
                            dim += more;
                        }
                        continue;
                    }
                    t.id = ops::select_dim(&mut self.cx, e.span, &t, dim, &at)?;
                }
                Item::Range(s) => {
                    let mut end =
                        |e: &Option<Expr>| e.as_ref().map_or(Ok(Value::Null), |e| self.expr(e));
                    let (mut from, mut to, step) = (end(&s.from)?, end(&s.to)?, end(&s.step)?);
                    let size = self.cx.shape(&t)[dim].clone();
                    for (value, e) in [(&mut from, &s.from), (&mut to, &s.to)] {
                        from_the_end(value, e.as_ref(), &size);
                    }
                    if s.closed {
                        to = after(to, &size);
                    }
                    let step = match (step, &s.step) {
                        (Value::Null, _) | (_, None) => 1,
                        (Value::Whole(v), Some(e)) => i64::try_from(v)
                            .map_err(|_| self.cx.error(e.span, "this step is too large"))?,
                        (other, Some(e)) => {
                            let found = other.shown();
                            let text =
                                format!("the step of a slice must be an integer, not {found}");
                            return Err(self.cx.error(e.span, text));
                        }
                    };
                    // As in Python, where the size is known.
                    if let (true, Some(n)) = (s.colon, self.cx.shape(&t)[dim].value()) {
                        for end in [&mut from, &mut to] {
                            if let Value::Whole(v) = end {
                                *v = (*v).clamp(-i128::from(n), n.into());
                            }
                        }
                    }
                    t.id = ops::slice_dim(&mut self.cx, s.span, &t, dim, (&from, &to), step)?;
                    dim += 1;
                }
            }
        }
        Ok(self.cx.tensor(t.id))
    }
}

/// An end that is written with a minus counts from the end, also if only rustc knows its value: `-K` is `size - K`.
fn from_the_end(value: &mut Value, e: Option<&Expr>, size: &Dim) {
    fn minus(e: &Expr) -> bool {
        match &e.kind {
            ExprKind::Neg(_) => true,
            ExprKind::Whole(v) => *v < 0,
            ExprKind::Binary(ast::Op::Mul | ast::Op::Div, a, _) => minus(a),
            ExprKind::Binary(ast::Op::Add | ast::Op::Sub, a, _) => minus(a),
            _ => false,
        }
    }
    if let (Value::Dim(d), Some(e)) = (&*value, e)
        && minus(e)
    {
        *value = Value::of_dim(size.add(d));
    }
}

/// The position after the last one of `..=`.
fn after(last: Value, size: &Dim) -> Value {
    match last.as_dim() {
        // The last element, after which nothing is left to count.
        Some(last) if last.value() == Some(-1) => Value::of_dim(size.clone()),
        Some(last) => Value::of_dim(last.add(&Dim::one())),
        None => last,
    }
}
