//! `scan(input, init, |state, item| (next, result))`: a recurrence over a dimension.

use super::assigned::bound_by;
use super::{Binding, Lower};
use crate::args::{Args, Given};
use crate::ast::{self, ExprKind};
use crate::diag::{ErrorReported, Reported};
use crate::dim::{Dim, Shape};
use crate::ir::{DType, Here, NodeId};
use crate::value::{Tensor, Value};
use proc_macro2::Span;

const SIGNATURE: &str = "input, init, step, dim = 1, reverse = false";

impl Lower<'_> {
    /// The call. `input` and `init` are each a tensor or a tuple of tensors; the step's patterns and
    /// results have the same form. Returns the last state and the stacked results.
    pub fn scan(&mut self, span: Span, args: &[ast::Arg]) -> Reported<Value> {
        let reported = self.cx.diag.count();
        let value = self.scan_over(span, args, None);
        let (Err(_), Some((dim, shape))) = (&value, self.turned.take()) else {
            return value;
        };
        // Sequences that come time first: the step may be right, and the dimension wrong.
        let first = self.cx.diag.count();
        let again = self.scan_over(span, args, Some(0));
        let right = again.is_ok() && self.cx.diag.count() == first;
        self.cx.diag.withdraw(if right { reported } else { first });
        if right {
            let text = format!(
                "`scan` runs over dimension {dim} ({}), but its closure fits only dimension 0 ({})\nhelp: write `dim = 0`",
                shape[dim], shape[0]
            );
            return Err(self.cx.error(span, text));
        }
        value
    }

    /// The call, over the dimension `dim` or over another one.
    fn scan_over(
        &mut self,
        span: Span,
        args: &[ast::Arg],
        other: Option<usize>,
    ) -> Reported<Value> {
        self.turned = None;
        let step = (args
            .iter()
            .find(|a| a.name.as_ref().is_some_and(|n| n == "step")))
        .or_else(|| args.iter().filter(|a| a.name.is_none()).nth(2));
        if let Some(step) = step.map(|a| &a.value)
            && !matches!(step.kind, ExprKind::Closure(_))
        {
            let closure = |a: &ast::Arg| matches!(a.value.kind, ExprKind::Closure(_));
            let help = match (args.iter().any(closure), self.lone_layer(step)) {
                (true, _) => "the closure comes last: `scan(x, init, |state, x_t| { .. })`",
                (_, Some(_)) => "call the layer in a closure: `|h, x_t| { .. (next, result) }`",
                _ => "`|state, x_t| { .. (next, result) }`",
            };
            let text = format!("the step of `scan` must be a closure, not `{step}`\nhelp: {help}");
            return Err(self.cx.error(step.span, text));
        }
        let mut given = Vec::new();
        let mut reported = None;
        for a in args {
            // A closure has no value: a placeholder takes its place, and its source is looked up later.
            let value = match &a.value.kind {
                ExprKind::Closure(_) => Ok(Value::Null),
                _ => self.expr(&a.value),
            };
            match value {
                Ok(value) => given.push(Given {
                    name: a.name.clone(),
                    value,
                    span: a.value.span,
                    text: a.value.to_string(),
                }),
                Err(p) => reported = Some(p),
            }
        }
        if let Some(p) = reported {
            return Err(p);
        }
        let bound = Args::bind(&self.cx, "scan", span, SIGNATURE, given)?;
        let source = |name: &str| {
            let keyword = args
                .iter()
                .find(|a| a.name.as_ref().is_some_and(|n| n == name));
            let place = ["input", "init", "step"].iter().position(|n| *n == name);
            let positional = place.and_then(|i| args.iter().filter(|a| a.name.is_none()).nth(i));
            keyword.or(positional).map(|a| &a.value)
        };
        let (Some(input), Some(init), Some(step)) =
            (source("input"), source("init"), source("step"))
        else {
            return Err(ErrorReported);
        };
        let ExprKind::Closure(closure) = &step.kind else {
            return Err(ErrorReported);
        };
        for (name, e) in [("input", input), ("init", init)] {
            if matches!(e.kind, ExprKind::Closure(_)) {
                let text = format!(
                    "`{name}` of `scan` must be a tensor or a tuple of tensors, not a closure\nhelp: the closure comes last: `scan(x, init, |state, x_t| {{ .. }})`"
                );
                return Err(self.cx.error(e.span, text));
            }
        }
        let [state_pat, item_pat] = closure.args.as_slice() else {
            let text = format!(
                "the step of `scan` must take 2 arguments, the state and the item, but takes {}\nhelp: write `|state, x_t| ..`\nhelp: put several states, or several items, in a tuple: `|(h, c), x_t| ..`",
                closure.args.len()
            );
            return Err(self.cx.error(step.span, text));
        };
        let (dim, count) = self.sequences(&bound, other)?;
        let reverse = bound.flag(&self.cx, "reverse")?;
        let inputs = self.tensors(
            &bound.value("input"),
            bound.span_of("input"),
            "input",
            input,
        )?;
        let inits = self.tensors(&bound.value("init"), bound.span_of("init"), "init", init)?;
        // Sliced values have time first.
        let mut sequences = Vec::new();
        for t in &inputs {
            let rank = self.cx.g.shape(t.id).len();
            let order: Vec<usize> = std::iter::once(dim)
                .chain((0..rank).filter(|d| *d != dim))
                .collect();
            sequences.push(match dim {
                0 => t.id,
                _ => self.cx.g.permute(t.id, &order),
            });
        }
        let types: Vec<_> = (inits
            .iter()
            .map(|t| (self.cx.g.shape(t.id).clone(), self.cx.g[t.id].dtype)))
        .chain(
            sequences
                .iter()
                .map(|id| (self.cx.g.shape(*id)[1..].to_vec(), self.cx.g[*id].dtype)),
        )
        .collect();
        let ranges: Vec<_> = inputs.iter().map(|t| self.cx.range(t.id)).collect();

        self.open();
        let ids: Vec<NodeId> = types
            .iter()
            .map(|(shape, dtype)| self.body_input(shape, *dtype))
            .collect();
        let (states, items) = ids.split_at(inits.len());
        for (id, range) in items.iter().zip(ranges) {
            self.cx.ranges.insert(*id, range);
        }
        let like = |form: &Value, ids: &[NodeId]| of_form(form, &mut ids.iter().copied());
        let bound_state = self.bind(state_pat, Ok(like(&bound.value("init"), states)), init);
        let bound_item = self.bind(item_pat, Ok(like(&bound.value("input"), items)), input);
        let mut names = Vec::new();
        bound_by(state_pat, &mut names);
        bound_by(item_pat, &mut names);
        for name in names {
            if let Some(local) = self.scope.get_mut(&name) {
                local.by = Binding::Step;
            }
        }
        let result = bound_state
            .and(bound_item)
            .and_then(|()| self.step(closure, &inits, states));
        let (outputs, form) = match result {
            Ok(done) => done,
            Err(p) => {
                self.close(&ids, Vec::new());
                if other.is_none() && bound.given("dim").is_none() {
                    self.turned = self.time_first(&inputs, &inits).map(|shape| (dim, shape));
                }
                return Err(p);
            }
        };
        let body = self.close(&ids, outputs);
        let here = Here {
            span,
            name: String::new(),
        };
        let here = std::mem::replace(&mut self.cx.g.here, here);
        let scan = body.scan("scan", count, reverse, inits.len());
        let carried: Vec<NodeId> = inits.iter().map(|t| t.id).collect();
        let results = self.add_loop(scan, &carried, &sequences);
        let (last, stacked) = results.split_at(inits.len());
        let mut all = Vec::new();
        for id in stacked {
            let rank = self.cx.g.shape(*id).len();
            let at = dim.min(rank - 1);
            let order: Vec<usize> = (1..=at).chain([0]).chain(at + 1..rank).collect();
            all.push(match at {
                0 => *id,
                _ => self.cx.g.permute(*id, &order),
            });
        }
        self.cx.g.here = here;
        let last = like(&bound.value("init"), last);
        let all = of_form(&form, &mut all.into_iter());
        Ok(Value::Tuple(vec![last, all]))
    }

    /// The shape of the first input, if its second size is that of the state's batch and its first is not.
    fn time_first(&self, inputs: &[Tensor], inits: &[Tensor]) -> Option<Shape> {
        let x = self.cx.shape(inputs.first()?);
        let batch = self.cx.shape(inits.first()?).first().cloned()?;
        (x.len() >= 2 && x[1] == batch && x[0] != batch).then_some(x)
    }

    /// The dimension that the inputs share, and its size.
    fn sequences(&mut self, bound: &Args, other: Option<usize>) -> Reported<(usize, Dim)> {
        let at = match other {
            Some(dim) => dim as i64,
            None => bound.integer(&self.cx, "dim")?,
        };
        let value = bound.value("input");
        let mut items = Vec::new();
        match &value {
            Value::List(list) => items.extend(list),
            value => parts(value, &mut items),
        }
        let mut found: Option<(usize, Dim, Tensor)> = None;
        for item in items {
            let Value::Tensor(t) = item else {
                let text = format!(
                    "`input` of `scan` must be a tensor or a tuple of tensors, not {}",
                    item.kind()
                );
                return Err(self.cx.error(bound.span_of("input"), text));
            };
            let mut t = t.clone();
            if t.text.is_empty() {
                t.text = "input".to_owned();
            }
            let dim = self.cx.axis(at, &t, bound.span_of("dim"), "dim")?;
            let size = self.cx.g.shape(t.id)[dim].clone();
            match &found {
                Some((known, count, first)) if *known != dim || *count != size => {
                    let text = format!(
                        "the inputs of `scan` have different lengths: {count} and {size}{}{}",
                        self.cx.origin_note(first),
                        self.cx.origin_note(&t)
                    );
                    return Err(self.cx.error(bound.span_of("input"), text));
                }
                Some(_) => {}
                None => found = Some((dim, size, t)),
            }
        }
        match found {
            Some((dim, count, _)) => Ok((dim, count)),
            None => Err(self.cx.error(
                bound.span_of("input"),
                format!(
                    "`input` of `scan` must be a tensor or a tuple of tensors, not {}",
                    value.kind()
                ),
            )),
        }
    }

    /// A tensor or a tuple of tensors.
    fn tensors(
        &mut self,
        value: &Value,
        span: Span,
        name: &str,
        e: &ast::Expr,
    ) -> Reported<Vec<Tensor>> {
        let mut items = Vec::new();
        parts(value, &mut items);
        let mut out = Vec::new();
        for item in items {
            let Some(t) = self.cx.lift(item, &e.to_string()) else {
                let text = format!(
                    "`{name}` of `scan` must be a tensor or a tuple of tensors, not {}",
                    item.kind()
                );
                return Err(self.cx.error(span, text));
            };
            out.push(t);
        }
        Ok(out)
    }

    /// The step's results: next states, then stacked values; and the form of the stacked part.
    fn step(
        &mut self,
        closure: &ast::Closure,
        inits: &[Tensor],
        states: &[NodeId],
    ) -> Reported<(Vec<NodeId>, Value)> {
        let value = self.statements(&closure.body)?;
        let Some(tail) = &closure.body.tail else {
            let text = "the step of `scan` ends without a result\nhelp: leave `(next, result)` as its last expression, without `;`";
            return Err(self.cx.error(closure.end, text));
        };
        let Some(Value::Tuple(pair)) = value else {
            let text = format!(
                "the step of `scan` returns 1 value, but must return 2: `(next, result)`\nhelp: if there is no result, write `({tail}, ())`"
            );
            return Err(self.cx.error(tail.span, text));
        };
        let [next, result] = pair.as_slice() else {
            let text = format!(
                "the step of `scan` returns {} values, but must return 2: `(next, result)`\nhelp: put several states, or several results, in a tuple: `((h, c), h)`",
                pair.len()
            );
            return Err(self.cx.error(tail.span, text));
        };
        let (next_at, result_at) = match &tail.kind {
            ExprKind::Tuple(items) if items.len() == 2 => (&items[0], &items[1]),
            _ => (tail, tail),
        };
        let nexts = self.tensors(next, next_at.span, "next state", next_at)?;
        if nexts.len() != inits.len() {
            let text = format!(
                "the state of `scan` has {}, but the next state has {}\nnote: a step returns `(next, result)`, and `next` must have as many tensors as the state",
                crate::args::count(inits.len(), "tensor"),
                crate::args::count(nexts.len(), "tensor")
            );
            return Err(self.cx.error(next_at.span, text));
        }
        let mut out = Vec::new();
        for ((mut t, init), state) in nexts.into_iter().zip(inits).zip(states) {
            if self.cx.g[*state].dtype == DType::Float {
                t = self.cx.to_float(&t);
            }
            if !self.same_type(*state, t.id) {
                let text = format!(
                    "the state of `scan` starts as {}, but the step returns {}{}{}\nnote: a state must keep its type and shape",
                    self.cx.typed(*state),
                    self.cx.typed(t.id),
                    self.cx.origin_note(init),
                    self.cx.origin_note(&t)
                );
                return Err(self.cx.error(next_at.span, text));
            }
            out.push(t.id);
        }
        let results = self.tensors(result, result_at.span, "result", result_at)?;
        out.extend(results.iter().map(|t| t.id));
        Ok((out, result.clone()))
    }

    /// Whether two values have the same shape and type.
    pub fn same_type(&self, a: NodeId, b: NodeId) -> bool {
        let (p, q) = (&self.cx.g[a], &self.cx.g[b]);
        p.dtype == q.dtype && self.cx.same_shape(&p.shape, &q.shape)
    }
}

/// The values of a tuple and of the tuples in it.
fn parts<'v>(value: &'v Value, out: &mut Vec<&'v Value>) {
    match value {
        Value::Tuple(items) => items.iter().for_each(|v| parts(v, out)),
        one => out.push(one),
    }
}

/// Tensors in the form of a value: a tuple of tuples, for example.
fn of_form(form: &Value, ids: &mut impl Iterator<Item = NodeId>) -> Value {
    match form {
        Value::Tuple(items) => Value::Tuple(items.iter().map(|v| of_form(v, ids)).collect()),
        _ => ids.next().map_or(Value::Null, |id| {
            Value::Tensor(Tensor {
                id,
                text: String::new(),
            })
        }),
    }
}
