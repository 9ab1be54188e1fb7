//! Groups of unlike layers: `Sequential(..)`, called as one layer, and lists, `[Block<16>, Block<32>]`, over which a
//! loop goes.

use super::assigned::assigned_in;
use super::loops::reversed;
use super::range::{MOST, Range};
use super::{Binding, Lower};
use crate::args::Given;
use crate::ast;
use crate::diag::{ErrorReported, Reported};
use crate::net::FieldKind;
use crate::value::{LayerRef, Tensor, Value, nearest};
use crate::visit;
use proc_macro2::{Ident, Span};

/// The value that one name of a loop iterates over, if the iterations are written out.
enum Each {
    /// The layers of a list.
    Layers(Vec<LayerRef>),
    /// Integers.
    Integers(Range),
    /// An array of layers, or a tensor, cut along its first dimension. It is evaluated once, before the first iteration.
    Parts(Option<Value>),
}

impl Lower<'_> {
    /// The layers of a group, if this is one.
    pub(super) fn members(&self, of: &LayerRef) -> Option<Vec<LayerRef>> {
        let field = &self.net.fields[of.field];
        let FieldKind::Group { items, .. } = &field.kind else {
            return None;
        };
        if of.level < field.stack.len() {
            return None;
        }
        let first = field.params.start;
        let member = |i: &usize| {
            let params = self.net.fields[*i].params.clone();
            LayerRef {
                field: *i,
                level: of.level,
                params: of.params[params.start - first..params.end - first].to_vec(),
                part: None,
            }
        };
        let all = items.iter().map(member);
        Some(match &of.part {
            Some((first, count)) => {
                let [first, count] =
                    [first, count].map(|d| usize::try_from(d.value().unwrap_or(0)).unwrap_or(0));
                all.skip(first).take(count).collect()
            }
            None => all.collect(),
        })
    }

    /// `seq(x)`: the layers one after another.
    pub(super) fn call_group(
        &mut self,
        of: &LayerRef,
        span: Span,
        given: Vec<Given>,
        args: &[ast::Arg],
    ) -> Reported<Value> {
        let field = &self.net.fields[of.field];
        let decl = field.decl.clone();
        if let FieldKind::Group { chain: false, .. } = field.kind {
            let shown: Vec<&str> = given.iter().map(|g| g.text.as_str()).collect();
            let text = format!(
                "the list `{0}` cannot be called: call one layer, `{0}[0]({1})`\n{decl}\nhelp: to call each layer, write `for layer in {0} {{ .. }}`\nhelp: to give the result of each layer to the next, declare `Sequential(..)`",
                field.path,
                shown.join(", ")
            );
            return Err(self.cx.error(span, text));
        }
        let value = self.again(
            of.field,
            &of.params.clone(),
            given,
            |lower, params, mut given| {
                let of = LayerRef {
                    params,
                    ..of.clone()
                };
                let members = lower.members(&of).unwrap_or_default();
                // A part of no layers.
                if let ([], [only]) = (members.as_slice(), given.as_slice()) {
                    return Ok(only.value.clone());
                }
                let mut args = args;
                let mut members = members.into_iter().peekable();
                while let Some(member) = members.next() {
                    let last = member.field;
                    let value = lower.call_layer(member, span, given, args)?;
                    if members.peek().is_none() {
                        return Ok(value);
                    }
                    let text = format!("{}(..)", lower.net.fields[last].path);
                    let value = match value {
                        Value::Tensor(t) => Value::Tensor(Tensor {
                            id: t.id,
                            text: text.clone(),
                        }),
                        other => other,
                    };
                    given = vec![Given {
                        name: None,
                        value,
                        span,
                        text,
                    }];
                    args = &[];
                }
                Ok(Value::Null)
            },
        )?;
        if let Value::Tensor(t) = &value {
            self.called(of.field, t.id);
        }
        Ok(value)
    }

    /// `layers(x)` of an array, as PyTorch's `Sequential` of equal layers: one after another.
    pub(super) fn call_array(&mut self, of: LayerRef, span: Span, value: Value) -> Reported<Value> {
        let [layers, layer, x] = ["layers", "layer", "x"].map(|name| Ident::new(name, span));
        let before = (self.scope.clone(), self.mutable.clone());
        self.set(layers.to_string(), Some(Value::Layer(of)));
        self.set(x.to_string(), Some(value));
        self.mutable.push(x.to_string());
        let name = |name: &Ident| ast::Expr {
            kind: ast::ExprKind::Name(name.clone()),
            span,
        };
        let argument = ast::Arg {
            name: None,
            value: name(&x),
        };
        let call = ast::Expr {
            kind: ast::ExprKind::Call(layer.clone(), vec![argument]),
            span,
        };
        let body = ast::Block {
            stmts: vec![ast::Stmt::Assign {
                target: ast::Pat::Name(x.clone(), false),
                value: call,
            }],
            tail: None,
        };
        let done = self.loop_over(&[layer], &[name(&layers)], &body);
        let result = self.local(&x.to_string());
        (self.scope, self.mutable) = before;
        done?;
        result.unwrap_or(Err(ErrorReported))
    }

    /// One layer of a group, by a literal index.
    pub(super) fn member_at(
        &mut self,
        of: &LayerRef,
        at: &Value,
        span: Span,
    ) -> Option<Reported<Value>> {
        let members = self.members(of)?;
        let field = &self.net.fields[of.field];
        let Value::Whole(n) = at else {
            let text = format!(
                "the index of `{}` must be a constant integer, not {}",
                field.path,
                at.kind()
            );
            return Some(Err(self.cx.error(span, text)));
        };
        let n = nearest(*n);
        let index = if n < 0 { n + members.len() as i64 } else { n };
        let member = usize::try_from(index).ok().and_then(|i| members.get(i));
        Some(match member {
            Some(member) => Ok(Value::Layer(member.clone())),
            None => {
                let text = format!(
                    "index {n} is out of range: `{}` has {}\n{}",
                    field.path,
                    crate::args::count(members.len(), "layer"),
                    field.decl
                );
                Err(self.cx.error(span, text))
            }
        })
    }

    /// A loop over a list of unlike layers: its body once for each. `None` if it goes over arrays only.
    pub(super) fn unrolled(
        &mut self,
        names: &[Ident],
        overs: &[ast::Expr],
        body: &ast::Block,
    ) -> Option<Reported<()>> {
        let reported = self.cx.diag.count();
        let mut values = Vec::new();
        // Layers may be taken from the end.
        let back: Vec<bool> = overs.iter().map(|over| reversed(over).is_some()).collect();
        let overs: Vec<ast::Expr> = (overs.iter())
            .map(|over| reversed(over).unwrap_or(over).clone())
            .collect();
        let overs = &overs[..];
        for over in overs {
            values.push(match self.range(over) {
                Ok(Some(range)) => Each::Integers(range),
                Ok(None) => match self.list_at(over) {
                    Some(layers) => Each::Layers(layers),
                    None => Each::Parts(self.items_of(over)),
                },
                Err(p) => return Some(Err(p)),
            });
        }
        let lists = values.iter().filter_map(|each| match each {
            Each::Layers(layers) => Some(layers.len()),
            Each::Parts(Some(Value::List(items) | Value::Tuple(items))) => Some(items.len()),
            _ => None,
        });
        let count = match (lists.clone().max(), values.as_slice()) {
            (Some(count), _) => count,
            (None, [Each::Integers(range)]) => range.written_out()?,
            // An array, whose iterations differ.
            _ if back.contains(&true) || decides(names, &values, body) => self.length(overs)?,
            _ => return None,
        };
        if self.cx.diag.count() > reported {
            return None;
        }
        if let Some(other) = lists.clone().find(|n| *n != count) {
            let text =
                format!("`zip` needs equal lengths, but the lists have {count} and {other} items");
            return Some(Err(self.cx.error(overs[0].span, text)));
        }
        for (over, each) in overs.iter().zip(&mut values) {
            if let Each::Parts(value @ None) = each {
                match self.expr(over) {
                    Ok(all) => *value = Some(all),
                    Err(p) => return Some(Err(p)),
                }
            }
        }
        for k in 0..count {
            let before = (self.scope.clone(), self.mutable.clone());
            let at = back
                .iter()
                .map(|back| if *back { count - 1 - k } else { k });
            let at: Vec<usize> = at.collect();
            if let Err(p) = self.round_of(names, overs, &values, &at, count, body) {
                (self.scope, self.mutable) = before;
                return Some(Err(p));
            }
        }
        Some(Ok(()))
    }

    /// The values of a tuple or a list. Any other expression is left alone: it is lowered later, and only once.
    fn items_of(&mut self, over: &ast::Expr) -> Option<Value> {
        use ast::ExprKind as K;
        let several = |name: &Ident| {
            let signature = self.net.signatures.iter().find(|s| s.name == *name);
            signature.is_some_and(|s| s.tuple)
                || ["chunk", "split", "unbind"].iter().any(|n| name == n)
        };
        let may_be = match &over.kind {
            K::Name(n) => matches!(
                self.scope.get(&n.to_string()).map(|local| &local.value),
                Some(Some(Value::List(_) | Value::Tuple(_)))
            ),
            K::List(_) | K::Tuple(_) => true,
            K::Call(name, _) | K::Method(_, name, _) => several(name),
            _ => false,
        };
        let value = may_be.then(|| self.expr(over))?.ok()?;
        matches!(value, Value::List(_) | Value::Tuple(_)).then_some(value)
    }

    /// The length of an array of layers that the loop goes over, if it is a number small enough to write out.
    fn length(&mut self, overs: &[ast::Expr]) -> Option<usize> {
        overs.iter().find_map(|over| {
            let layers = self.layer_at(over)?.ok()?;
            let count = self.count(&layers)?.value()?;
            usize::try_from(count).ok().filter(|_| count <= MOST)
        })
    }

    /// A round of such a loop, with the position of each value.
    fn round_of(
        &mut self,
        names: &[Ident],
        overs: &[ast::Expr],
        values: &[Each],
        at: &[usize],
        count: usize,
        body: &ast::Block,
    ) -> Reported<()> {
        let (scope, mutable) = (self.scope.clone(), self.mutable.clone());
        let listed = (overs.iter().zip(values)).find(|(_, v)| matches!(v, Each::Layers(_)));
        let list = listed.map_or_else(String::new, |(over, _)| over.to_string());
        for (((name, over), each), &k) in names.iter().zip(overs).zip(values).zip(at) {
            let at = Value::Whole(k as i128);
            let value = match each {
                Each::Layers(members) => Value::Layer(members[k].clone()),
                Each::Integers(range) => {
                    let length = (count as i64).into();
                    if let Some(size) = &range.count
                        && !self.cx.same(size, &length)
                    {
                        let text = format!(
                            "`zip` needs equal lengths, but `{over}` has length {size} and `{list}` has length {count}"
                        );
                        return Err(self.cx.error(over.span, text));
                    }
                    Value::of_dim(range.at(k as i64))
                }
                Each::Parts(all) => match all.clone().ok_or(ErrorReported)? {
                    Value::Layer(layers) => {
                        if let Some(size) = self.count(&layers) {
                            let count = (count as i64).into();
                            if !self.cx.same(&size, &count) {
                                let text = format!(
                                    "`zip` needs equal lengths, but `{over}` has length {size} and `{list}` has length {count}"
                                );
                                return Err(self.cx.error(over.span, text));
                            }
                        }
                        self.element(&layers, &at, over.span)?
                    }
                    Value::Tensor(t) if !self.cx.shape(&t).is_empty() => {
                        let (size, count) = (self.cx.shape(&t)[0].clone(), (count as i64).into());
                        if !self.cx.same(&size, &count) {
                            let text = format!(
                                "`zip` needs equal lengths, but `{over}` has length {size} and `{list}` has length {count}"
                            );
                            return Err(self.cx.error(over.span, text));
                        }
                        let id = crate::ops::select_dim(&mut self.cx, over.span, &t, 0, &at)?;
                        Value::Tensor(crate::value::Tensor {
                            id,
                            text: format!("{over}[{k}]"),
                        })
                    }
                    Value::List(items) | Value::Tuple(items) if items.len() == count => {
                        items[k].clone()
                    }
                    other => {
                        let text = format!(
                            "`zip` takes arrays or lists of layers, and tensors, but `{over}` is {}",
                            other.kind()
                        );
                        return Err(self.cx.error(over.span, text));
                    }
                },
            };
            let text = name.to_string();
            self.mutable.retain(|m| *m != text);
            let by = match value {
                Value::Layer(_) => Binding::Layer(over.to_string()),
                _ => Binding::Part(over.to_string(), self.holder(over)),
            };
            self.set_by(text, Some(value), by);
        }
        let done = self.effects(body);
        // What the round assigns stays; what it declares does not.
        let mut assigned: Vec<Ident> = Vec::new();
        let mut own = names.iter().map(Ident::to_string).collect();
        assigned_in(body, &mut own, &mut assigned);
        let after = std::mem::replace(&mut self.scope, scope);
        self.mutable = mutable;
        for name in assigned {
            let name = name.to_string();
            if let Some(local) = after.get(&name) {
                self.scope.insert(name, local.clone());
            }
        }
        done.map(|_| ())
    }

    /// The layers of the list that an expression names, if it names one.
    fn list_at(&mut self, over: &ast::Expr) -> Option<Vec<LayerRef>> {
        match &over.kind {
            ast::ExprKind::Name(_) | ast::ExprKind::Index(..) => {}
            _ => return None,
        }
        let layer = self.layer_at(over)?.ok()?;
        self.members(&layer)
    }
}

/// Whether a condition in the body depends on an integer of the loop.
fn decides(names: &[Ident], values: &[Each], body: &ast::Block) -> bool {
    let integers = names.iter().zip(values);
    let integers = integers.filter(|(_, each)| matches!(each, Each::Integers(_)));
    let integers: Vec<&Ident> = integers.map(|(name, _)| name).collect();
    let mut found = false;
    visit::conditions(body, &mut |condition| {
        visit::expr(condition, &mut |e| {
            found |= matches!(&e.kind, ast::ExprKind::Name(name) if integers.contains(&name));
        });
    });
    found
}
