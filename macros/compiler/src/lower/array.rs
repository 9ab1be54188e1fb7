//! Arrays of layers: `for layer in layers { .. }`, and `layers[0](x)`.

use super::{Local, Lower};
use crate::ast;
use crate::diag::{Poison, Told};
use crate::dim::Dim;
use crate::ir::{Here, NodeId, Op};
use crate::value::{LayerRef, Tensor, Value};
use proc_macro2::{Ident, Span};

impl Lower<'_> {
    /// One loop over an array: a scan whose slices are the layers' parameters, and which carries
    /// the variables that a round assigns.
    pub fn loop_over(&mut self, name: &Ident, over: &ast::Expr, body: &ast::Block) -> Told<()> {
        let layers = match self.expr(over)? {
            Value::Layer(layers) if layers.level < self.net.fields[layers.field].stack.len() => {
                layers
            }
            other => {
                let text = format!(
                    "`for` goes over an array of layers, but `{over}` is {}\nhelp: an array is declared in the struct: `blocks: [Linear(8 -> 8); 4]`; `scan` goes over a dimension of a tensor",
                    other.kind()
                );
                return Err(self.cx.error(over.span, text));
            }
        };
        let mut assigned: Vec<Ident> = Vec::new();
        assigned_in(body, &mut Vec::new(), &mut assigned);
        let mut carried: Vec<(Ident, Tensor)> = Vec::new();
        for variable in assigned {
            let text = variable.to_string();
            if !self.scope.contains_key(&text) || !self.mutable.contains(&text) {
                continue; // told where it is assigned
            }
            let Some(Ok(value)) = self.local(&text) else {
                continue;
            };
            let Some(t) = self.cx.lift(&value, &text) else {
                let message = format!("a loop assigns tensors, but `{text}` is {}", value.kind());
                return Err(self.cx.error(variable.span(), message));
            };
            carried.push((variable, t));
        }
        let mut types: Vec<_> = carried
            .iter()
            .map(|(_, t)| (self.cx.g.shape(t.id).clone(), self.cx.g[t.id].dtype))
            .collect();
        types.extend(
            (layers.params.iter())
                .map(|p| (self.cx.g.shape(*p)[1..].to_vec(), self.cx.g[*p].dtype)),
        );
        let texts: Vec<String> = carried.iter().map(|(_, t)| t.text.clone()).collect();

        self.open();
        let ids: Vec<NodeId> = types
            .iter()
            .map(|(shape, dtype)| self.body_input(shape, *dtype))
            .collect();
        let (states, params) = ids.split_at(carried.len());
        for ((variable, _), id) in carried.iter().zip(states) {
            let t = Tensor {
                id: *id,
                text: variable.to_string(),
            };
            self.cx.origin.insert(*id, "the round before".to_string());
            self.set(variable.to_string(), Some(Value::Tensor(t)));
        }
        let layer = LayerRef {
            field: layers.field,
            level: layers.level + 1,
            params: params.to_vec(),
        };
        self.mutable.retain(|m| name != m);
        self.set(name.to_string(), Some(Value::Layer(layer)));
        self.rounds.push(self.depth());
        let done = self.statements(body);
        self.rounds.pop();
        let done = done.and_then(|_| self.round(&carried, states));
        let outputs = match done {
            Ok(outputs) => outputs,
            Err(p) => {
                self.close(&ids, Vec::new());
                for (variable, _) in &carried {
                    self.set(variable.to_string(), None);
                }
                return Err(p);
            }
        };
        let body = self.close(&ids, outputs);
        if carried.is_empty() {
            let text = format!(
                "this loop changes nothing\nhelp: assign what a round computes: `x = {name}(x);`, with `let mut x = ..` before the loop"
            );
            return Err(self.cx.error(name.span(), text));
        }
        let here = Here {
            span: name.span(),
            name: String::new(),
        };
        let here = std::mem::replace(&mut self.cx.g.here, here);
        let count = self.net.fields[layers.field].stack[layers.level].clone();
        let (scan, mut operands) = body.scan(
            &format!("for {name} in {over}"),
            count,
            false,
            carried.len(),
        );
        operands.extend(carried.iter().map(|(_, t)| t.id));
        operands.extend(&layers.params);
        let types = scan.results();
        let results = self
            .cx
            .g
            .add_many(Op::Scan(Box::new(scan)), &operands, &types);
        self.cx.g.here = here;
        for ((variable, _), (id, text)) in carried.iter().zip(results.into_iter().zip(texts)) {
            self.cx.origin.insert(id, format!("for {name} in {over}"));
            self.set(
                variable.to_string(),
                Some(Value::Tensor(Tensor { id, text })),
            );
        }
        Ok(())
    }

    /// The carried variables' values after a round.
    fn round(&mut self, carried: &[(Ident, Tensor)], states: &[NodeId]) -> Told<Vec<NodeId>> {
        let mut out = Vec::new();
        for ((variable, _), state) in carried.iter().zip(states) {
            let value = self.local(&variable.to_string()).unwrap_or(Err(Poison))?;
            let Some(mut t) = self.cx.lift(&value, &variable.to_string()) else {
                let text = format!(
                    "a loop assigns tensors, but `{variable}` is {}",
                    value.kind()
                );
                return Err(self.cx.error(variable.span(), text));
            };
            if self.cx.g[*state].dtype == crate::ir::DType::Float {
                t = self.cx.to_float(&t);
            }
            if !self.same_type(*state, t.id) {
                let text = format!(
                    "`{variable}` is {} before a round of the loop and {} after it{}\nhelp: all rounds run the same code, so it keeps its type and shape",
                    self.cx.typed(*state),
                    self.cx.typed(t.id),
                    self.cx.whence(&t)
                );
                return Err(self.cx.error(variable.span(), text));
            }
            out.push(t.id);
        }
        Ok(out)
    }

    /// One layer of an array.
    pub fn element(&mut self, layers: &LayerRef, at: &Value, span: Span) -> Told<Value> {
        let field = &self.net.fields[layers.field];
        let Some(count) = field.stack.get(layers.level).cloned() else {
            let text = format!(
                "`{}` is one layer, not an array\n{}",
                field.name, field.decl
            );
            return Err(self.cx.error(span, text));
        };
        let Value::Number(n, true) = at else {
            let found = match at {
                Value::Number(n, _) => n.to_string(),
                other => other.kind().to_owned(),
            };
            let text = format!("a layer of an array is chosen by an integer, not {found}");
            return Err(self.cx.error(span, text));
        };
        let n = *n as i64;
        let index = if n < 0 {
            count.add(&Dim::from(n))
        } else {
            Dim::from(n)
        };
        if let Some(size) = count.value()
            && !(-size..size).contains(&n)
        {
            let text = format!(
                "`{}` has {}, no element {n}\n{}",
                field.name,
                crate::args::count(usize::try_from(size).unwrap_or(0), "element"),
                field.decl
            );
            return Err(self.cx.error(span, text));
        }
        if count.value().is_none() {
            let least = Dim::from(if n < 0 { -n } else { n + 1 });
            self.cx
                .at_least(&count, &least, span, "an element of an array")?;
        }
        let mut params = Vec::new();
        for p in &layers.params {
            let shape = self.cx.g.shape(*p).clone();
            let mut start = vec![Dim::from(0); shape.len()];
            start[0] = index.clone();
            let mut one = shape.clone();
            one[0] = Dim::one();
            let step = vec![1; shape.len()];
            let cut = self.cx.g.push(Op::Slice { start, step }, &[*p], Some(one));
            params.push(self.cx.g.reshape(cut, &shape[1..].to_vec()));
        }
        Ok(Value::Layer(LayerRef {
            field: layers.field,
            level: layers.level + 1,
            params,
        }))
    }

    /// Binds a name at this depth.
    pub fn set(&mut self, name: String, value: Option<Value>) {
        let depth = self.depth();
        self.scope.insert(name, Local { value, depth });
    }

    /// What a name stands for, in the graph at hand; reading it counts.
    pub fn local(&mut self, name: &str) -> Option<Told<Value>> {
        let local = self.scope.get(name)?.clone();
        self.read.push(name.to_owned());
        Some(match local.value {
            Some(value) => Ok(self.bring_value(value, local.depth)),
            None => Err(Poison),
        })
    }
}

/// Names from outside that a round assigns, in order.
fn assigned_in(body: &ast::Block, own: &mut Vec<String>, out: &mut Vec<Ident>) {
    let before = own.len();
    for stmt in &body.stmts {
        match stmt {
            ast::Stmt::Let { pat, .. } => bound_by(pat, own),
            ast::Stmt::Assign { name, .. } => {
                if !own.iter().any(|o| name == o) && !out.contains(name) {
                    out.push(name.clone());
                }
            }
            ast::Stmt::For { name, body, .. } => {
                own.push(name.to_string());
                assigned_in(body, own, out);
                own.pop();
            }
            ast::Stmt::Expr(_) => {}
        }
    }
    own.truncate(before);
}

fn bound_by(pat: &ast::Pat, own: &mut Vec<String>) {
    match pat {
        ast::Pat::Name(name, _) => own.push(name.to_string()),
        ast::Pat::Tuple(items, _) => items.iter().for_each(|p| bound_by(p, own)),
        ast::Pat::Wild => {}
    }
}
