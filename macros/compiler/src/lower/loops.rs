//! Loops over arrays of layers and tensors: `for layer in layers { .. }`, `for x_t in x { .. }`, which cuts a tensor along
//! its first dimension, and `for (layer, x) in zip(layers, xs) { .. }`.

use super::assigned::assigned_in;
use super::range::Range;
use super::{Binding, Lower, Whole};
use crate::ast;
use crate::diag::{ErrorReported, Reported};
use crate::dim::Dim;
use crate::ir::{Here, NodeId};
use crate::value::{LayerRef, Tensor, Value};
use proc_macro2::Ident;

/// The value that one name of a loop iterates over.
enum Item {
    /// An array of layers.
    Layers(LayerRef),
    /// A tensor, cut along its first dimension; its variable, if that may be assigned; and what
    /// holds it.
    Tensor(Tensor, Option<String>, Whole),
}

/// A loop's head, for messages and pictures.
fn loop_text(names: &[Ident], overs: &[ast::Expr]) -> String {
    let list = |items: Vec<String>| items.join(", ");
    let names: Vec<String> = names.iter().map(Ident::to_string).collect();
    let overs: Vec<String> = overs.iter().map(ast::Expr::to_string).collect();
    match names.len() {
        1 => format!("for {} in {}", list(names), list(overs)),
        _ => format!("for ({}) in zip({})", list(names), list(overs)),
    }
}

/// The variable for the element of an array at a loop's number: `layers[i]`.
pub(super) fn element_name(array: &ast::Expr, number: &Ident) -> Ident {
    quote::format_ident!(
        "__{}_at_{}",
        array.to_string().replace("r#", ""),
        number,
        span = array.span
    )
}

/// The names that statements of a block bind, those of inner blocks included.
fn bound_in(block: &ast::Block, out: &mut Vec<Ident>) {
    for s in &block.stmts {
        match s {
            ast::Stmt::Let { pat, .. } => pat.names(&mut |n| out.push(n.clone())),
            ast::Stmt::For { names, body, .. } => {
                out.extend(names.iter().cloned());
                bound_in(body, out);
            }
            ast::Stmt::If(choice) => {
                bound_in(&choice.then, out);
                choice.otherwise.iter().for_each(|b| bound_in(b, out));
            }
            ast::Stmt::Assign { .. } | ast::Stmt::Expr(_) => {}
        }
    }
    crate::visit::block(block, &mut |e| match &e.kind {
        ast::ExprKind::Closure(c) => {
            c.args
                .iter()
                .for_each(|p| p.names(&mut |n| out.push(n.clone())));
            bound_in(&c.body, out);
        }
        ast::ExprKind::If(choice) => {
            bound_in(&choice.then, out);
            choice.otherwise.iter().for_each(|b| bound_in(b, out));
        }
        _ => {}
    });
}

/// What `reversed(..)` goes over from its end, if the expression is that.
pub(super) fn reversed(over: &ast::Expr) -> Option<&ast::Expr> {
    match &over.kind {
        ast::ExprKind::Call(name, args) if name == "reversed" && args.len() == 1 => {
            Some(&args[0].value)
        }
        _ => None,
    }
}

impl Lower<'_> {
    /// A variable from outside a loop's body that a `let` in the body hides.
    fn hidden_by(&self, body: &ast::Block) -> Option<Ident> {
        let mut found = None;
        for stmt in &body.stmts {
            if let ast::Stmt::Let { pat, .. } = stmt {
                pat.names(&mut |name| {
                    if found.is_none() && self.scope.contains_key(&name.to_string()) {
                        found = Some(name.clone());
                    }
                });
            }
        }
        found
    }

    /// One loop over arrays: a scan whose slices are the layers' parameters and the tensors' parts. It carries the
    /// variables that an iteration assigns.
    pub fn loop_over(
        &mut self,
        names: &[Ident],
        overs: &[ast::Expr],
        body: &ast::Block,
    ) -> Reported<()> {
        let done = match self.unrolled(names, overs, body) {
            Some(done) => done,
            None => {
                let back: Vec<Option<&ast::Expr>> = overs.iter().map(reversed).collect();
                match back.iter().position(Option::is_some) {
                    None => self.compiled_once(names, (overs, false), body),
                    Some(_) if back.iter().all(Option::is_some) => {
                        let overs: Vec<ast::Expr> = back.into_iter().flatten().cloned().collect();
                        self.compiled_once(names, (&overs, true), body)
                    }
                    Some(at) => {
                        let text = "with reversed and other arguments, `zip` needs lengths that the macro knows\nhelp: reverse each argument of `zip`, or none";
                        Err(self.cx.error(overs[at].span, text))
                    }
                }
            }
        };
        if done.is_err() {
            self.spoil(names, body);
        }
        done
    }

    /// After an error in a loop, the variables that it assigns have no known values.
    fn spoil(&mut self, names: &[Ident], body: &ast::Block) {
        let mut assigned: Vec<Ident> = Vec::new();
        assigned_in(
            body,
            &mut names.iter().map(Ident::to_string).collect(),
            &mut assigned,
        );
        for variable in assigned {
            let text = variable.to_string();
            if self.scope.contains_key(&text) {
                self.set(text, None);
            }
        }
    }

    fn compiled_once(
        &mut self,
        names: &[Ident],
        (overs, back): (&[ast::Expr], bool),
        body: &ast::Block,
    ) -> Reported<()> {
        let text = loop_text(names, overs);
        let hidden = self.hidden_by(body);
        let (more_names, more_overs) = self.indexed_by(names, overs, body);
        let (names, overs) = (&more_names[..], &more_overs[..]);
        let (items, count) = self.zipped(names, overs)?;
        let mut assigned: Vec<Ident> = Vec::new();
        let mut own = names.iter().map(Ident::to_string).collect();
        assigned_in(body, &mut own, &mut assigned);
        let mut carried: Vec<(Ident, Tensor)> = Vec::new();
        for variable in assigned {
            let text = variable.to_string();
            if !self.scope.contains_key(&text)
                || !self.mutable.contains(&text)
                || !self.is_carried(&text)
            {
                continue; // reported where it is assigned
            }
            let Some(Ok(value)) = self.local(&text) else {
                continue;
            };
            let Some(t) = self.cx.lift(&value, &text) else {
                let message = format!(
                    "a loop can assign only tensors, but `{text}` is {}",
                    value.kind()
                );
                return Err(self.cx.error(variable.span(), message));
            };
            carried.push((variable, t));
        }
        let states: Vec<NodeId> = carried.iter().map(|(_, t)| t.id).collect();
        let mut slices: Vec<NodeId> = Vec::new();
        for item in &items {
            match item {
                Item::Layers(layers) => {
                    for p in &layers.params {
                        slices.push(self.updates.latest(&mut self.cx.g, *p));
                    }
                }
                Item::Tensor(t, ..) => slices.push(t.id),
            }
        }
        let texts: Vec<String> = carried.iter().map(|(_, t)| t.text.clone()).collect();
        let ranges: Vec<_> = slices.iter().map(|id| self.cx.range(*id)).collect();
        let mut types: Vec<_> = (states.iter())
            .map(|id| (self.cx.g.shape(*id).clone(), self.cx.g[*id].dtype))
            .collect();
        types.extend(
            (slices.iter()).map(|p| (self.cx.g.shape(*p)[1..].to_vec(), self.cx.g[*p].dtype)),
        );

        self.open();
        let ids: Vec<NodeId> = types
            .iter()
            .map(|(shape, dtype)| self.body_input(shape, *dtype))
            .collect();
        let (inner, parts) = ids.split_at(carried.len());
        for ((variable, _), id) in carried.iter().zip(inner) {
            let t = Tensor {
                id: *id,
                text: variable.to_string(),
            };
            let origin = "the previous iteration".to_string();
            self.cx.origin.insert(*id, origin);
            self.set(variable.to_string(), Some(Value::Tensor(t)));
        }
        for (id, range) in parts.iter().zip(ranges) {
            self.cx.ranges.insert(*id, range);
        }
        self.bind_items(names, &items, parts);
        self.rounds.push(self.depth());
        let done = self.effects(body);
        self.rounds.pop();
        let done = done.and_then(|_| {
            let mut outputs = self.round(&carried, inner, overs)?;
            let (stacked, written) = self.written(names, &items, parts)?;
            outputs.extend(stacked);
            Ok((outputs, written))
        });
        let (outputs, written) = match done {
            Ok(done) => done,
            Err(p) => {
                self.close(&ids, Vec::new());
                return Err(p);
            }
        };
        let body = self.close(&ids, outputs);
        if let Some(both) = carried.iter().find(|(v, _)| written.iter().any(|w| v == w)) {
            let text = format!(
                "the loop assigns both `{0}` and a slice of it\nhelp: assign only slices in the loop, or keep the whole value in another variable",
                both.0
            );
            return Err(self.cx.error(both.0.span(), text));
        }
        if carried.is_empty() && written.is_empty() {
            let help = match hidden {
                Some(name) => format!(
                    "note: `let` declares another `{name}`, which ends with the iteration\nhelp: declare `let mut {name} = {name};` before the loop, and remove this `let`"
                ),
                None => format!(
                    "help: declare `let mut x = ..` before the loop, and assign in it: `x = {}(x);`",
                    names[0]
                ),
            };
            let text = format!(
                "this loop has no effect: it assigns to no variable from outside the loop\n{help}"
            );
            return Err(self.cx.error(names[0].span(), text));
        }
        let here = Here {
            span: names[0].span(),
            name: String::new(),
        };
        let here = std::mem::replace(&mut self.cx.g.here, here);
        let scan = body.scan(&text, count, back, carried.len());
        let results = self.add_loop(scan, &states, &slices);
        self.cx.g.here = here;
        let texts = texts.into_iter().chain(written.iter().cloned());
        let variables = carried
            .iter()
            .map(|(v, _)| v.to_string())
            .chain(written.clone());
        for ((variable, id), text) in variables.zip(results).zip(texts) {
            self.cx.origin.insert(id, loop_text(names, overs));
            self.set(variable, Some(Value::Tensor(Tensor { id, text })));
        }
        Ok(())
    }

    /// The loop with the arrays that its body indexes by its number: `for i in 0..N { x = layers[i](x); }` is
    /// `for (i, layer) in zip(0..N, layers) { x = layer(x); }`.
    fn indexed_by(
        &mut self,
        names: &[Ident],
        overs: &[ast::Expr],
        body: &ast::Block,
    ) -> (Vec<Ident>, Vec<ast::Expr>) {
        let (mut names, mut overs) = (names.to_vec(), overs.to_vec());
        let mut found: Vec<(Ident, ast::Expr)> = Vec::new();
        // The names that count from 0, all to the same end.
        let (mut numbers, mut count) = (Vec::new(), None);
        for (name, over) in names.iter().zip(&overs) {
            let range = self.range(over).ok().flatten();
            let Some(Range {
                from,
                step: 1,
                count: Some(to),
            }) = range
            else {
                continue;
            };
            if from == Dim::from(0) && count.as_ref().is_none_or(|known| *known == to) {
                numbers.push(name.clone());
                count = Some(to);
            }
        }
        let Some(count) = count else {
            return (names, overs);
        };
        // A name that the body gives to something else.
        let mut hidden = Vec::new();
        bound_in(body, &mut hidden);
        assigned_in(body, &mut Vec::new(), &mut hidden);
        crate::visit::block(body, &mut |e| {
            let ast::ExprKind::Index(x, items) = &e.kind else {
                return;
            };
            let [ast::Item::At(at)] = items.as_slice() else {
                return;
            };
            if let (ast::ExprKind::Name(array), ast::ExprKind::Name(i)) = (&x.kind, &at.kind)
                && numbers.contains(i)
                && !hidden.contains(i)
                && !hidden.contains(array)
                && !found.iter().any(|(n, _)| *n == element_name(x, i))
            {
                found.push((element_name(x, i), (**x).clone()));
            }
        });
        for (name, array) in found {
            let layers = self.layer_at(&array).and_then(Result::ok);
            if layers.and_then(|l| self.count(&l)).as_ref() == Some(&count) {
                names.push(name);
                overs.push(array);
            }
        }
        (names, overs)
    }

    /// The values that a loop iterates over, and its number of iterations.
    fn zipped(&mut self, names: &[Ident], overs: &[ast::Expr]) -> Reported<(Vec<Item>, Dim)> {
        let mut items = Vec::new();
        let mut count: Option<(Dim, String)> = None;
        let mut ranges = Vec::new();
        for over in overs {
            if let Some(range) = self.range(over)? {
                if let Some(size) = &range.count {
                    self.equal_lengths(&mut count, size, over)?;
                }
                ranges.push((items.len(), range, over));
                continue;
            }
            if let Some(field) = self.lone_layer(over) {
                let text = format!(
                    "`for` cannot iterate over `{over}`, which is one layer\n{}\nhelp: to repeat the layer, declare an array: `{}`",
                    field.decl,
                    field.decl.replacen(": ", ": [", 1) + "; 4]"
                );
                return Err(self.cx.error(over.span, text));
            }
            let value = self.expr(over)?;
            let (item, size) = match value {
                Value::Layer(layers)
                    if layers.level < self.net.fields[layers.field].stack.len() =>
                {
                    let size = self.count(&layers).unwrap_or_else(Dim::one);
                    (Item::Layers(layers), size)
                }
                Value::Tensor(t) if !self.cx.g.shape(t.id).is_empty() => {
                    let assigned = match &over.kind {
                        ast::ExprKind::Name(n) => Some(n.to_string()),
                        _ => None,
                    };
                    let assigned = assigned.filter(|v| self.mutable.contains(v));
                    let size = self.cx.g.shape(t.id)[0].clone();
                    (Item::Tensor(t, assigned, self.holder(over)), size)
                }
                other => {
                    let help = "note: a loop goes over layers, the first dimension of a tensor, a list, or a range such as `0..N`\nhelp: to iterate over layers, declare an array in the struct: `blocks: [Linear(8 -> 8); 4]`";
                    let text = match names {
                        [_] => format!(
                            "`for` cannot iterate over `{over}`, which is {}\n{help}",
                            other.kind()
                        ),
                        _ => format!(
                            "`zip` cannot iterate over `{over}`, which is {}\n{help}",
                            other.kind()
                        ),
                    };
                    return Err(self.cx.error(over.span, text));
                }
            };
            self.equal_lengths(&mut count, &size, over)?;
            items.push(item);
        }
        let count = count.map_or_else(Dim::one, |c| c.0);
        for (k, (place, range, over)) in ranges.into_iter().enumerate() {
            let integers = self.integers(&range, &count, over);
            self.counters.push(integers.text.clone());
            items.insert(place + k, Item::Tensor(integers, None, Whole::Value));
        }
        Ok((items, count))
    }

    /// Compares the length of a value with that of the first.
    fn equal_lengths(
        &mut self,
        count: &mut Option<(Dim, String)>,
        size: &Dim,
        over: &ast::Expr,
    ) -> Reported<()> {
        match count {
            Some((known, first)) if !self.cx.same(known, size) => {
                let text = format!(
                    "`zip` needs equal lengths, but `{first}` has length {known} and `{over}` has length {size}"
                );
                return Err(self.cx.error(over.span, text));
            }
            Some(_) => {}
            None => *count = Some((size.clone(), over.to_string())),
        }
        Ok(())
    }

    /// What holds the value of an expression that a loop goes over.
    pub(super) fn holder(&self, over: &ast::Expr) -> Whole {
        let ast::ExprKind::Name(name) = &over.kind else {
            return Whole::Value;
        };
        match self.scope.get(&name.to_string()).map(|local| &local.by) {
            Some(Binding::Argument) => Whole::Argument,
            Some(Binding::Let) => Whole::Variable,
            _ => Whole::Value,
        }
    }

    /// Binds an iteration's names to the parts of these values.
    fn bind_items(&mut self, names: &[Ident], items: &[Item], parts: &[NodeId]) {
        let mut parts = parts.iter().copied();
        for (name, item) in names.iter().zip(items) {
            let text = name.to_string();
            let mut mutable = false;
            let by = match item {
                Item::Layers(layers) => Binding::Layer(self.net.fields[layers.field].path.clone()),
                Item::Tensor(t, _, whole) => Binding::Part(t.text.clone(), *whole),
            };
            let value = match item {
                Item::Layers(layers) => Value::Layer(LayerRef {
                    field: layers.field,
                    level: layers.level + 1,
                    params: parts.by_ref().take(layers.params.len()).collect(),
                    part: None,
                }),
                Item::Tensor(t, variable, _) => {
                    let Some(id) = parts.next() else { continue };
                    if self.counters.contains(&t.text) {
                        self.positions.insert(id);
                    }
                    mutable = variable.is_some();
                    let origin = format!("a part of `{}`", t.text);
                    self.cx.origin.insert(id, origin);
                    let text = text.clone();
                    Value::Tensor(Tensor { id, text })
                }
            };
            self.mutable.retain(|m| *m != text);
            if mutable {
                self.mutable.push(text.clone());
            }
            self.set_by(text, Some(value), by);
        }
    }

    /// The parts that an iteration has assigned, and the variables into which they are stacked.
    fn written(
        &mut self,
        names: &[Ident],
        items: &[Item],
        parts: &[NodeId],
    ) -> Reported<(Vec<NodeId>, Vec<String>)> {
        let (mut values, mut variables) = (Vec::new(), Vec::new());
        let mut at = 0;
        for (name, item) in names.iter().zip(items) {
            let (t, variable) = match item {
                Item::Layers(layers) => {
                    at += layers.params.len();
                    continue;
                }
                Item::Tensor(t, variable, _) => (t, variable),
            };
            let part = parts[at];
            at += 1;
            let Some(variable) = variable else { continue };
            let value = self
                .local(&name.to_string())
                .unwrap_or(Err(ErrorReported))?;
            let Some(mut now) = self.cx.lift(&value, &name.to_string()) else {
                return Err(ErrorReported);
            };
            if self.cx.g[part].dtype == crate::ir::DType::Float {
                now = self.cx.to_float(&now);
            }
            if now.id == part {
                continue;
            }
            if !self.same_type(part, now.id) {
                let text = format!(
                    "the loop changes `{name}` from {} to {}{}\nnote: a part of `{}` must keep its type and shape",
                    self.cx.typed(part),
                    self.cx.typed(now.id),
                    self.cx.origin_note(&now),
                    t.text
                );
                return Err(self.cx.error(name.span(), text));
            }
            values.push(now.id);
            variables.push(variable.clone());
        }
        Ok((values, variables))
    }

    /// The carried variables' values after an iteration.
    fn round(
        &mut self,
        carried: &[(Ident, Tensor)],
        states: &[NodeId],
        overs: &[ast::Expr],
    ) -> Reported<Vec<NodeId>> {
        let counts = |over: &ast::Expr| matches!(&over.kind, ast::ExprKind::Call(f, args) if f == "range" && !args.is_empty());
        let help = match overs.iter().any(counts) {
            true => {
                "\nhelp: with literal numbers as bounds, as in `0..4`, each iteration has its own code"
            }
            false => "",
        };
        let mut out = Vec::new();
        for ((variable, _), state) in carried.iter().zip(states) {
            let value = self
                .local(&variable.to_string())
                .unwrap_or(Err(ErrorReported))?;
            let Some(mut t) = self.cx.lift(&value, &variable.to_string()) else {
                let text = format!(
                    "a loop can assign only tensors, but `{variable}` is {}",
                    value.kind()
                );
                return Err(self.cx.error(variable.span(), text));
            };
            if self.cx.g[*state].dtype == crate::ir::DType::Float {
                t = self.cx.to_float(&t);
            }
            if !self.same_type(*state, t.id) {
                let text = format!(
                    "the loop changes `{variable}` from {} to {}{}\nnote: all iterations run the same code, so `{variable}` must keep its type and shape{help}",
                    self.cx.typed(*state),
                    self.cx.typed(t.id),
                    self.cx.origin_note(&t)
                );
                return Err(self.cx.error(variable.span(), text));
            }
            out.push(t.id);
        }
        Ok(out)
    }
}
