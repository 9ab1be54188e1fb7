//! Lowering: a function's statements become a graph of ops with shapes.
//!
//! Shapes are inferred in the same walk, since the lowering of a composite op depends on them; the rules of the graph's
//! own ops are in `infer`. Every error in a body is reported here.
//!
//! `check_function` lowers a function alone: calls of other functions are opaque values of the declared types, so that
//! an error is reported once, where it is. `lower` inlines the calls.

mod array;
mod assigned;
mod block;
mod body;
mod call;
mod choice;
mod custom;
mod expr;
mod fraction;
mod function;
mod grad;
mod group;
mod index;
mod inner;
mod loops;
mod member;
mod pair;
mod put;
mod range;
mod recompute;
mod recursion;
mod scan;
mod statements;
mod update;

pub use recursion::check_recursion;

use crate::ast;
use crate::cx::{Cx, Demand};
use crate::diag::{Diag, ErrorReported, Reported};
use crate::dim::{Atom, Dim, Shape};
use crate::ir::{DType, Graph, NodeId, Op};
use crate::net::{FieldKind, Net, Signature, Type};
use crate::ranges::EVERY;
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
    /// New values of buffers, by the parameter's number.
    pub buffers: Vec<(usize, NodeId)>,
    /// New values of the state kept from call to call, by the argument's number.
    pub kept: Vec<(usize, NodeId)>,
    /// Conditions to check when inputs are bound.
    pub require: Vec<Demand>,
    /// The layers called, by number, with the shapes of their results.
    pub calls: Vec<(usize, Shape)>,
}

/// The value of a name in scope.
#[derive(Clone)]
pub struct Local {
    /// `None` after a reported error.
    value: Option<Value>,
    /// If it is a quotient of sizes, which may also be a float; `value` is the size.
    fraction: Option<fraction::Fraction>,
    /// The depth of bodies at which it was bound.
    depth: usize,
    /// What bound it.
    by: Binding,
}

/// What binds a name: how a name that is not `mut` becomes assignable depends on it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Binding {
    /// `let`, or an iteration that carries a variable.
    Let,
    /// An argument of the function.
    Argument,
    /// The pattern of a `scan` step.
    Step,
    /// A loop over this expression; the name is a layer.
    Layer(String),
    /// A loop over this expression; the name is a part of a tensor.
    Part(String, Whole),
}

/// What holds a tensor that a loop goes over.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Whole {
    /// An argument of the function.
    Argument,
    /// A variable.
    Variable,
    /// Nothing: it is the value of an expression.
    Value,
}

/// The outcome of a function's body.
struct Done {
    /// Its results.
    results: Vec<Tensor>,
    /// The values of its `#[state]` arguments at the end.
    kept: Vec<Tensor>,
}

/// The state of lowering.
pub struct Lower<'a> {
    /// The network whose function is lowered: the whole network, or one in a field.
    pub net: &'a Net,
    /// Its source.
    pub source: &'a ast::Network,
    /// The graph and the facts known about it.
    pub cx: Cx<'a>,
    /// Calls of functions stay opaque.
    opaque: bool,
    /// Calls of fields marked `#[recompute]` are separate nodes.
    recompute: bool,
    /// The ranges that loops count through, as written.
    counters: Vec<String>,
    /// The numbers of loops that are compiled once.
    positions: std::collections::HashSet<NodeId>,
    params: Vec<Option<NodeId>>,
    /// The latest values of buffers in the current graph.
    updates: update::Updates,
    /// In a field's network: its parameters, and the depth of bodies at which they are known.
    instance: Option<(Vec<NodeId>, usize)>,
    /// The bodies around the current place.
    frames: Vec<body::Frame>,
    /// Names in scope.
    scope: HashMap<String, Local>,
    /// The names that may be assigned.
    mutable: Vec<String>,
    /// The depths of the `for` iterations being lowered.
    rounds: Vec<usize>,
    /// The function's named dimensions, in the caller's dimensions.
    dims: HashMap<String, Dim>,
    /// The dimensions of `..` in its signature.
    rest: Option<Shape>,
    /// Fields that were used.
    pub used: Vec<bool>,
    /// Calls of layers, with the shapes of their results.
    calls: Vec<(usize, Shape)>,
    /// Quotients of sizes are floats.
    floats: bool,
    /// The dimension and the shape of the last failed `scan`, if another dimension may be meant.
    turned: Option<(usize, Shape)>,
}

/// Checks a function alone. Returns the fields that it uses.
pub fn check_function(net: &Net, source: &ast::Network, index: usize, diag: &Diag) -> Vec<bool> {
    let mut lower = Lower::new(net, source, diag, false, true);
    let signature = &net.signatures[index];
    // A function of values of any rank is checked where it is called.
    if !signature.poisoned && !signature.any_rank() {
        diag.at(&signature.name.to_string());
        let (args, dims) = (lower.arguments(signature), signature.multiples());
        let _ = lower.function(index, args, &dims);
    }
    lower.used
}

/// Lowers a function with all its calls, for training or evaluation, with or without backward.
pub fn lower(
    net: &Net,
    source: &ast::Network,
    index: usize,
    (train, backward): (bool, bool),
    diag: &Diag,
) -> Reported<Lowered> {
    let mut lower = Lower::new(net, source, diag, train, false);
    lower.recompute = backward;
    let signature = &net.signatures[index];
    diag.at(&signature.name.to_string());
    let args = lower.arguments(signature);
    let ids: Vec<NodeId> = args.iter().map(|t| t.id).collect();
    let done = lower.function(index, args, &signature.multiples())?;
    lower.cx.g.outputs = done.results.iter().map(|t| t.id).collect();
    let kept = signature.states().zip(done.kept.iter().map(|t| t.id));
    let kept = kept.filter(|(i, id)| ids[*i] != *id).collect();
    let mut buffers = Vec::new();
    for (p, home) in lower.params.clone().into_iter().enumerate() {
        let Some(home) = home else { continue };
        let latest = lower.updates.latest(&mut lower.cx.g, home);
        if latest != home {
            buffers.push((p, latest));
        }
    }
    lower.cx.close_quotients();
    Ok(Lowered {
        buffers,
        kept,
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
            counters: Vec::new(),
            positions: std::collections::HashSet::new(),
            recompute: false,
            params: vec![None; net.params.len()],
            updates: update::Updates::default(),
            instance: None,
            frames: Vec::new(),
            scope: HashMap::new(),
            mutable: Vec::new(),
            rounds: Vec::new(),
            dims: HashMap::new(),
            rest: None,
            used: vec![false; net.fields.len()],
            calls: Vec::new(),
            floats: false,
            turned: None,
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
                (arg.ty.shape.iter())
                    .map(|d| substitute(d, &signature.multiples()))
                    .collect(),
                arg.ty.elem.dtype(),
            );
            self.cx.ranges.declare(id, arg.ty.elem);
            if arg.state && arg.ty.elem.dtype() == DType::Int {
                // An earlier call may have left any integer there.
                self.cx.ranges.insert(id, EVERY);
            }
            out.push(Tensor {
                id,
                text: arg.name.to_string(),
            });
        }
        out
    }

    /// The node of a parameter, or of a buffer's latest value.
    pub fn param(&mut self, index: usize) -> NodeId {
        let home = self.param_home(index);
        self.updates.latest(&mut self.cx.g, home)
    }

    /// The node that an assignment to a buffer replaces.
    fn param_home(&mut self, index: usize) -> NodeId {
        if let Some((params, depth)) = &self.instance {
            let (id, depth) = (params[index], *depth);
            return self.home(id, depth);
        }
        let index = self.net.holder(index);
        if let Some(id) = self.params[index] {
            return self.home(id, 0);
        }
        let p = &self.net.params[index];
        let here = crate::ir::Here {
            span: self.net.fields[p.field].name.span(),
            name: p.name.clone(),
        };
        let (shape, dtype) = (p.shape.clone(), p.elem.dtype());
        let g = self.root();
        let here = std::mem::replace(&mut g.here, here);
        let id = g.add_typed(Op::Param { index }, &[], shape, dtype);
        g.here = here;
        self.params[index] = Some(id);
        self.home(id, 0)
    }

    /// A field read as a value: a custom parameter.
    fn field_value(&mut self, index: usize, span: Span) -> Reported<Value> {
        self.uses(index);
        let field = &self.net.fields[index];
        match &field.kind {
            FieldKind::ErrorReported => Err(ErrorReported),
            FieldKind::Absent(_) => Err(self.absent(index, span)),
            FieldKind::Param | FieldKind::Buffer => {
                let id = self.param(field.params.start);
                self.cx
                    .origin
                    .entry(id)
                    .or_insert_with(|| field.decl.clone());
                Ok(Value::Tensor(Tensor {
                    id,
                    text: field.path.clone(),
                }))
            }
            FieldKind::Group { .. } => Ok(Value::Layer(self.whole(index))),
            FieldKind::Layer(_) | FieldKind::Block(_) if !field.stack.is_empty() => {
                Ok(Value::Layer(self.whole(index)))
            }
            FieldKind::Layer(_) | FieldKind::Block(_) => {
                let text = format!(
                    "`{0}` is a layer, not a value\n{1}\nhelp: call it: `{0}(x)`",
                    field.path, field.decl
                );
                Err(self.cx.error(span, text))
            }
        }
    }

    /// Reports the use of a field whose condition does not hold.
    fn absent(&self, index: usize, span: Span) -> ErrorReported {
        let field = &self.net.fields[index];
        let FieldKind::Absent(condition) = &field.kind else {
            return ErrorReported;
        };
        let text = format!(
            "`{0}` is used where it does not exist\n{1}\nhelp: use it within `if {condition} {{ .. }}`",
            field.path, field.decl
        );
        self.cx.error(span, text)
    }

    /// The field that an expression names, if it is one layer, which is no value.
    fn lone_layer(&self, e: &ast::Expr) -> Option<&'a crate::net::Field> {
        let ast::ExprKind::Name(n) = &e.kind else {
            return None;
        };
        if self.scope.contains_key(&n.to_string()) {
            return None;
        }
        let field = self.net.fields.iter().find(|f| f.name == *n)?;
        let layer = matches!(field.kind, FieldKind::Layer(_) | FieldKind::Block(_));
        (layer && field.stack.is_empty()).then_some(field)
    }

    /// A field of layers as a value.
    fn whole(&mut self, index: usize) -> LayerRef {
        let field = &self.net.fields[index];
        let params = match field.kind {
            FieldKind::Layer(_) | FieldKind::Block(_) | FieldKind::Group { .. } => {
                field.params.clone()
            }
            FieldKind::Param
            | FieldKind::Buffer
            | FieldKind::Absent(_)
            | FieldKind::ErrorReported => 0..0,
        };
        LayerRef {
            field: index,
            level: 0,
            params: params.map(|p| self.param_home(p)).collect(),
            part: None,
        }
    }

    /// Records that a field of the whole network is used.
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
        let (above, below) = Dim::fraction(monomial);
        let mut product = Dim::from(c);
        for (atom, power) in &above {
            let factor = match atom {
                Atom::Named(n) => dims.get(n).cloned().unwrap_or_else(|| Dim::named(n)),
                Atom::Part(n, by) => match dims.get(n) {
                    Some(size) => size.div(&Dim::from(*by)),
                    None => Dim::atom(atom.clone()),
                },
                Atom::Const(_) | Atom::Float(_) | Atom::Formula(_) => Dim::atom(atom.clone()),
                Atom::Quotient(p, q) => substitute(p, dims).div(&substitute(q, dims)),
                Atom::Floor(p, q) => substitute(p, dims).div_floor(&substitute(q, dims)),
            };
            for _ in 0..*power {
                product = product.mul(&factor);
            }
        }
        if !below.is_one() {
            product = product.div(&substitute(&below, dims));
        }
        out = out.add(&product);
    }
    out
}

/// `u32[B, T]`.
pub fn show_type(ty: &Type, shape: &Shape) -> String {
    let elem = ty.elem.prefix();
    let mut dims: Vec<String> = shape.iter().map(Dim::to_string).collect();
    if let Some(at) = ty.rest.filter(|_| shape.len() == ty.shape.len()) {
        dims.insert(at, "..".to_owned());
    }
    format!("{elem}[{}]", dims.join(", "))
}
