//! Lowering: a function's statements become a graph of ops with shapes.
//!
//! Shapes are inferred in the same walk, since what a composite op lowers to depends on them; the
//! rules of the graph's own ops stand in `infer`. Every mistake in a body is told here.
//!
//! `check_function` reads a function alone: calls of others are opaque values of the declared types,
//! so that a mistake is told once, where it is. `lower` inlines them.

mod array;
mod block;
mod body;
mod custom;
mod expr;
mod grad;
mod recompute;
mod recursion;
mod scan;

pub use recursion::check_recursion;

use crate::ast;
use crate::cx::{Cx, Require};
use crate::diag::{Diag, Poison, Told};
use crate::dim::{Atom, Dim, Shape, show_shape};
use crate::ir::{Graph, NodeId, Op};
use crate::net::{Elem, FieldKind, Net, Signature, Type};
use crate::value::{LayerRef, Tensor, Value};
use proc_macro2::Span;
use std::collections::HashMap;

/// A lowered function.
pub struct Lowered {
    /// Its graph: outputs are its results.
    pub graph: Graph,
    /// The parameters' nodes, where used.
    pub params: Vec<Option<NodeId>>,
    /// The arguments' nodes.
    pub args: Vec<NodeId>,
    /// Conditions for the door.
    pub require: Vec<Require>,
    /// The layers called, by number, with the shapes of their results.
    pub calls: Vec<(usize, Shape)>,
}

/// What a name stands for.
#[derive(Clone)]
pub struct Local {
    /// `None` where a mistake was told.
    value: Option<Value>,
    /// How many bodies deep it was bound.
    depth: usize,
}

/// The walk's state.
pub struct Lower<'a> {
    /// The network whose function is read: the whole, or one in a field.
    pub net: &'a Net,
    /// Its source.
    pub source: &'a ast::Network,
    /// The graph and what is known of it.
    pub cx: Cx<'a>,
    /// Calls of functions stay opaque.
    opaque: bool,
    /// Calls of fields marked so are nodes of their own.
    recompute: bool,
    params: Vec<Option<NodeId>>,
    /// In a field's network: its parameters, and how many bodies deep they are known.
    instance: Option<(Vec<NodeId>, usize)>,
    /// The bodies around the place at hand.
    frames: Vec<body::Frame>,
    /// Names in scope.
    scope: HashMap<String, Local>,
    /// Which of them may be assigned.
    mutable: Vec<String>,
    /// The depths at which rounds of `for` are being read.
    rounds: Vec<usize>,
    /// The function's named dimensions, in the caller's terms.
    dims: HashMap<String, Dim>,
    /// Fields that were used.
    pub used: Vec<bool>,
    /// Calls of layers, with the shapes of their results.
    calls: Vec<(usize, Shape)>,
    /// Arguments and variables that were read.
    read: Vec<String>,
}

/// Checks a function alone. Returns which fields it uses.
pub fn check_function(net: &Net, source: &ast::Network, index: usize, diag: &Diag) -> Vec<bool> {
    let mut lower = Lower::new(net, source, diag, false, true);
    let signature = &net.signatures[index];
    if !signature.poisoned {
        let args = lower.arguments(signature);
        let _ = lower.function(index, args, &HashMap::new(), None);
    }
    lower.used
}

/// Lowers a function with all that it calls, for training or evaluation, with or without backward.
pub fn lower(
    net: &Net,
    source: &ast::Network,
    index: usize,
    (train, backward): (bool, bool),
    diag: &Diag,
) -> Told<Lowered> {
    let mut lower = Lower::new(net, source, diag, train, false);
    lower.recompute = backward;
    let signature = &net.signatures[index];
    let args = lower.arguments(signature);
    let ids = args.iter().map(|t| t.id).collect();
    let results = lower.function(index, args, &HashMap::new(), None)?;
    lower.cx.g.outputs = results.iter().map(|t| t.id).collect();
    Ok(Lowered {
        graph: lower.cx.g,
        params: lower.params,
        args: ids,
        require: lower.cx.require,
        calls: lower.calls,
    })
}

impl<'a> Lower<'a> {
    fn new(
        net: &'a Net,
        source: &'a ast::Network,
        diag: &'a Diag,
        train: bool,
        opaque: bool,
    ) -> Self {
        Lower {
            net,
            source,
            cx: Cx::new(diag, train),
            opaque,
            recompute: false,
            params: vec![None; net.params.len()],
            instance: None,
            frames: Vec::new(),
            scope: HashMap::new(),
            mutable: Vec::new(),
            rounds: Vec::new(),
            dims: HashMap::new(),
            used: vec![false; net.fields.len()],
            calls: Vec::new(),
            read: Vec::new(),
        }
    }

    /// Input nodes for a signature.
    fn arguments(&mut self, signature: &Signature) -> Vec<Tensor> {
        let mut out = Vec::new();
        for (index, arg) in signature.args.iter().enumerate() {
            self.cx.g.here = crate::ir::Here {
                span: arg.name.span(),
                name: arg.name.to_string(),
            };
            let id = self.cx.g.add_typed(
                Op::Input { index },
                &[],
                arg.ty.shape.clone(),
                arg.ty.elem.dtype(),
            );
            if arg.ty.elem == Elem::U32 {
                self.cx.unsigned.push(id);
            }
            out.push(Tensor {
                id,
                text: arg.name.to_string(),
            });
        }
        out
    }

    /// The node of a parameter.
    pub fn param(&mut self, index: usize) -> NodeId {
        if let Some((params, depth)) = &self.instance {
            return self.bring(params[index], *depth);
        }
        let index = self.net.holder(index);
        if let Some(id) = self.params[index] {
            return self.bring(id, 0);
        }
        let p = &self.net.params[index];
        let here = crate::ir::Here {
            span: self.net.fields[p.field].name.span(),
            name: p.name.clone(),
        };
        let shape = p.shape.clone();
        let g = self.root();
        let here = std::mem::replace(&mut g.here, here);
        let id = g.add_typed(Op::Param { index }, &[], shape, crate::ir::DType::Float);
        g.here = here;
        self.params[index] = Some(id);
        self.bring(id, 0)
    }

    /// Runs a function's body on arguments. `call` is the call's token, if it is called by another.
    fn function(
        &mut self,
        index: usize,
        args: Vec<Tensor>,
        dims: &HashMap<String, Dim>,
        call: Option<Span>,
    ) -> Told<Vec<Tensor>> {
        let (source, signature) = (&self.source.functions[index], &self.net.signatures[index]);
        if source.custom.is_some() {
            return self.custom(signature, &args, dims);
        }
        let Some(body) = &source.body else {
            return Err(Poison);
        };
        let mut scope = HashMap::new();
        for (arg, t) in signature.args.iter().zip(args) {
            let name = arg.name.to_string();
            self.cx.origin.entry(t.id).or_insert_with(|| name.clone());
            let value = Value::Tensor(Tensor {
                id: t.id,
                text: name.clone(),
            });
            let local = Local {
                value: Some(value),
                depth: self.depth(),
            };
            scope.insert(name, local);
        }
        let mut own: HashMap<String, Dim> = signature
            .dims
            .iter()
            .map(|d| (d.clone(), Dim::named(d)))
            .collect();
        own.extend(dims.iter().map(|(k, v)| (k.clone(), v.clone())));
        let saved = (
            std::mem::replace(&mut self.scope, scope),
            std::mem::take(&mut self.mutable),
            std::mem::replace(&mut self.dims, own),
            std::mem::take(&mut self.read),
        );
        let result = self.body(body, source, signature);
        if call.is_none() {
            for arg in &signature.args {
                let name = arg.name.to_string();
                if !self.read.contains(&name) && !name.starts_with('_') && result.is_ok() {
                    let text = format!(
                        "`{}` does not use its argument `{name}`\nhelp: use it, take it away, or call it `_{name}`",
                        signature.name
                    );
                    self.cx.error(arg.name.span(), text);
                }
            }
        }
        (self.scope, self.mutable, self.dims, self.read) = saved;
        result
    }

    fn body(
        &mut self,
        body: &ast::Block,
        source: &ast::Function,
        signature: &Signature,
    ) -> Told<Vec<Tensor>> {
        let value = self.statements(body)?;
        let (Some(tail), Some(value)) = (&body.tail, value) else {
            let text = format!(
                "`{}` ends without a result\nhelp: leave the result as the last expression, without `;`",
                source.name
            );
            return Err(self.cx.error(source.end, text));
        };
        let values = match value {
            Value::Tuple(items) => items,
            one => vec![one],
        };
        if values.len() != signature.ret.len() {
            let text = format!(
                "`{}` returns {}, but is declared to return {}",
                source.name,
                crate::args::count(values.len(), "value"),
                signature.ret.len()
            );
            return Err(self.cx.error(tail.span, text));
        }
        let mut out = Vec::new();
        for (v, ty) in values.iter().zip(&signature.ret) {
            let Some(t) = self.cx.lift(v, &tail.to_string()) else {
                let text = format!("`{}` returns tensors, not {}", source.name, v.kind());
                return Err(self.cx.error(tail.span, text));
            };
            let want = self.substitute(&ty.shape);
            let t = if ty.elem == Elem::Float {
                self.cx.to_float(&t)
            } else {
                t
            };
            if *self.cx.g.shape(t.id) != want || self.cx.g[t.id].dtype != ty.elem.dtype() {
                let text = format!(
                    "`{}` returns {}, but is declared to return {}{}\nhelp: declare `-> {}`, or change the layers",
                    source.name,
                    self.cx.typed(t.id),
                    show_type(ty, &want),
                    self.cx.whence(&t),
                    self.cx.typed(t.id)
                );
                return Err(self.cx.error(tail.span, text));
            }
            if ty.elem == Elem::U32 && !self.cx.is_unsigned(t.id) {
                let text = format!(
                    "`{}` returns integers that may be below 0, but is declared to return `u32`{}\nhelp: declare `-> {}`",
                    source.name,
                    self.cx.whence(&t),
                    show_type(
                        &Type {
                            elem: Elem::I32,
                            shape: want.clone()
                        },
                        &want
                    )
                );
                return Err(self.cx.error(tail.span, text));
            }
            out.push(t);
        }
        Ok(out)
    }

    /// Statements one after another, then the value at the end, if there is one. Every mistake in
    /// them is told.
    pub fn statements(&mut self, block: &ast::Block) -> Told<Option<Value>> {
        let mut told = None;
        for stmt in &block.stmts {
            if let Err(p) = self.stmt(stmt) {
                told = Some(p);
            }
        }
        let value = block.tail.as_ref().map(|e| self.expr(e)).transpose()?;
        told.map_or(Ok(value), Err)
    }

    /// A shape of the function's signature in the terms of the graph.
    pub fn substitute(&self, shape: &Shape) -> Shape {
        shape.iter().map(|d| substitute(d, &self.dims)).collect()
    }

    fn stmt(&mut self, stmt: &ast::Stmt) -> Told<()> {
        match stmt {
            ast::Stmt::Let { pat, ty, value } => {
                let result = self.expr(value);
                let result = match (result, ty) {
                    (Ok(v), Some(ty)) => self.ascribed(v, ty, value),
                    (r, _) => r,
                };
                self.bind(pat, result, value)
            }
            ast::Stmt::Assign { name, value } => {
                let result = self.expr(value);
                let text = name.to_string();
                if !self.scope.contains_key(&text) {
                    let known: Vec<String> = self.scope.keys().cloned().collect();
                    let hint = crate::diag::did_you_mean(&text, known.iter().map(String::as_str));
                    return Err(self.cx.error(
                        name.span(),
                        format!(
                            "there is no variable `{text}`{hint}\nhelp: `let {text} = ..` makes one"
                        ),
                    ));
                }
                // What a round of a `for` assigns is carried, if it may be assigned at all.
                let in_round = self.rounds.last() == Some(&self.depth());
                let outside = (self.scope.get(&text)).is_some_and(|l| l.depth < self.depth());
                if outside && !in_round {
                    let message = format!(
                        "`{text}` belongs outside of this step\nhelp: make it part of the state: `scan(x, (.., {text}), |(.., {text}), x_t| ..)`"
                    );
                    return Err(self.cx.error(name.span(), message));
                }
                if !self.mutable.contains(&text) {
                    let message = format!(
                        "`{text}` is not `mut`\nhelp: declare it `let mut {text} = ..`, or shadow it: `let {text} = ..`"
                    );
                    return Err(self.cx.error(name.span(), message));
                }
                self.bind(&ast::Pat::Name(name.clone(), true), result, value)
            }
            ast::Stmt::For { name, over, body } => self.loop_over(name, over, body),
            ast::Stmt::Expr(e) => {
                self.expr(e)?;
                Err(self.cx.error(
                    e.span,
                    "this value is computed and dropped\nhelp: bind it with `let`, or take it away",
                ))
            }
        }
    }

    fn bind(&mut self, pat: &ast::Pat, value: Told<Value>, source: &ast::Expr) -> Told<()> {
        match pat {
            ast::Pat::Wild => value.map(|_| ()),
            ast::Pat::Name(name, mutable) => {
                let text = name.to_string();
                if self.net.constant(&text).is_some() || self.dims.contains_key(&text) {
                    return Err(self.cx.error(
                        name.span(),
                        format!("`{text}` is a size here: choose another name"),
                    ));
                }
                self.mutable.retain(|m| *m != text);
                if *mutable {
                    self.mutable.push(text.clone());
                }
                let poison = value.as_ref().err().copied();
                let named = value.ok().map(|v| match v {
                    Value::Tensor(t) => {
                        let node = &mut self.cx.g.nodes[t.id.index()];
                        if node.name.is_empty() {
                            node.name.clone_from(&text);
                        }
                        self.cx
                            .origin
                            .entry(t.id)
                            .or_insert_with(|| source.to_string());
                        Value::Tensor(Tensor {
                            id: t.id,
                            text: text.clone(),
                        })
                    }
                    other => other,
                });
                self.set(text, named);
                poison.map_or(Ok(()), Err)
            }
            ast::Pat::Tuple(pats, span) => {
                let items = match value {
                    Ok(Value::Tuple(items)) if items.len() == pats.len() => {
                        items.into_iter().map(Ok).collect()
                    }
                    Ok(Value::Tuple(items)) => {
                        let text = format!(
                            "`{source}` gives {}, but {} are bound",
                            crate::args::count(items.len(), "value"),
                            pats.len()
                        );
                        let p = self.cx.error(*span, text);
                        vec![Err(p); pats.len()]
                    }
                    Ok(other) => {
                        let p = self.cx.error(
                            *span,
                            format!("`{source}` is {}, not a tuple", other.kind()),
                        );
                        vec![Err(p); pats.len()]
                    }
                    Err(p) => vec![Err(p); pats.len()],
                };
                let mut told = Ok(());
                for (pat, item) in pats.iter().zip(items) {
                    if let Err(p) = self.bind(pat, item, source) {
                        told = Err(p);
                    }
                }
                told
            }
        }
    }

    /// Checks the shape written behind a `let`.
    fn ascribed(&mut self, value: Value, ty: &ast::Type, source: &ast::Expr) -> Told<Value> {
        let known: Vec<String> = self.dims.keys().cloned().collect();
        let mut shape = Shape::new();
        for e in &ty.dims {
            let d = crate::check::dimension(self.net, &mut self.cx, e, Some(&known))?;
            shape.push(substitute(&d, &self.dims));
        }
        let Some(t) = self.cx.lift(&value, &source.to_string()) else {
            let text = format!("`{source}` is {}, which has no shape", value.kind());
            return Err(self.cx.error(ty.span, text));
        };
        let elem = crate::check::element(&self.cx, ty)?;
        if self.cx.g[t.id].dtype != elem.dtype() {
            let text = format!(
                "`{source}` is {}, not of the element type stated here{}",
                self.cx.typed(t.id),
                self.cx.whence(&t)
            );
            return Err(self.cx.error(ty.span, text));
        }
        if *self.cx.g.shape(t.id) != shape {
            let text = format!(
                "`{source}` is {}, not {} as stated here{}",
                self.cx.typed(t.id),
                show_shape(&shape),
                self.cx.whence(&t)
            );
            return Err(self.cx.error(ty.span, text));
        }
        Ok(Value::Tensor(t))
    }

    /// A field read as a value: a parameter of one's own.
    fn field_value(&mut self, index: usize, span: Span) -> Told<Value> {
        self.uses(index);
        let field = &self.net.fields[index];
        match &field.kind {
            FieldKind::Poison => Err(Poison),
            FieldKind::Param => {
                let id = self.param(field.params.start);
                self.cx
                    .origin
                    .entry(id)
                    .or_insert_with(|| field.decl.clone());
                Ok(Value::Tensor(Tensor {
                    id,
                    text: field.name.to_string(),
                }))
            }
            FieldKind::Layer(_) | FieldKind::Block(_) if !field.stack.is_empty() => {
                Ok(Value::Layer(self.whole(index)))
            }
            FieldKind::Layer(_) | FieldKind::Block(_) => {
                let text = format!(
                    "`{}` is a layer: it is called, as `{0}(x)`\n{}",
                    field.name, field.decl
                );
                Err(self.cx.error(span, text))
            }
        }
    }

    /// A field of layers as a value.
    fn whole(&mut self, index: usize) -> LayerRef {
        let field = &self.net.fields[index];
        let params = match field.kind {
            FieldKind::Layer(_) | FieldKind::Block(_) => field.params.clone(),
            FieldKind::Param | FieldKind::Poison => 0..0,
        };
        LayerRef {
            field: index,
            level: 0,
            params: params.map(|p| self.param(p)).collect(),
        }
    }

    /// Remembers that a field of the whole network is used.
    fn uses(&mut self, field: usize) {
        if self.instance.is_none() {
            self.used[field] = true;
        }
    }
}

/// A dimension with names replaced.
pub fn substitute(d: &Dim, dims: &HashMap<String, Dim>) -> Dim {
    let mut out = Dim::from(0);
    for (c, monomial) in d.terms() {
        let mut product = Dim::from(c);
        for (atom, power) in monomial {
            let factor = match atom {
                Atom::Named(n) => dims.get(n).cloned().unwrap_or_else(|| Dim::named(n)),
                Atom::Const(_) => Dim::atom(atom.clone()),
                Atom::Quotient(p, q) => substitute(p, dims).div(&substitute(q, dims)),
                Atom::Floor(p, q) => substitute(p, dims).div_floor(&substitute(q, dims)),
            };
            for _ in 0..*power {
                product = product.mul(&factor);
            }
        }
        out = out.add(&product);
    }
    out
}

/// `u32[B, T]`.
pub fn show_type(ty: &Type, shape: &Shape) -> String {
    let elem = match ty.elem {
        Elem::Float => "",
        Elem::U32 => "u32",
        Elem::I32 => "i32",
        Elem::I64 => "i64",
        Elem::Bool => "bool",
    };
    format!("{elem}{}", show_shape(shape))
}
