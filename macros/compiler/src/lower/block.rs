//! Calls of functions: those of the network, and those of networks in its fields, `block(x)` and `block.encode(x)`,
//! whose bodies are lowered with the field's parameters and sizes.

use super::{Done, Lower, show_type, substitute};
use crate::args::{Given, listed, no_such};
use crate::ast::{self, Expr, ExprKind};
use crate::check::bare;
use crate::cx::Require;
use crate::diag::{ErrorReported, Reported, did_you_mean};
use crate::dim::{Dim, Shape};
use crate::elem::Elem;
use crate::ir::{DType, NodeId, Op};
use crate::net::{FieldKind, Instance, Signature};
use crate::takes::Takes;
use crate::value::{LayerRef, Tensor, Value};
use proc_macro2::{Ident, Span};
use std::collections::HashMap;

/// The places of arguments among those of a function: one without a name takes the first free place. The error is a name,
/// and why it is wrong.
fn places<'n>(
    signature: &Signature,
    names: impl Iterator<Item = Option<&'n Ident>>,
) -> Result<Vec<usize>, (Ident, String)> {
    let mut out: Vec<usize> = Vec::new();
    for name in names {
        let place = match name {
            None => (0..).find(|place| !out.contains(place)).unwrap_or(0),
            Some(name) => {
                let found = signature.args.iter().position(|a| a.name == *name);
                let Some(place) = found else {
                    let known: Vec<String> =
                        signature.args.iter().map(|a| a.name.to_string()).collect();
                    let hint = did_you_mean(&name.to_string(), known.iter().map(String::as_str));
                    return Err((name.clone(), format!("there is no argument `{name}`{hint}")));
                };
                place
            }
        };
        match name {
            Some(name) if out.contains(&place) => {
                return Err((name.clone(), format!("argument `{name}` is given twice")));
            }
            _ => out.push(place),
        }
    }
    Ok(out)
}

/// The arguments of a call in the order of the function's; as they are if their names are wrong.
fn in_order(signature: &Signature, args: &[ast::Arg]) -> Vec<ast::Arg> {
    let Ok(order) = places(signature, args.iter().map(|a| a.name.as_ref())) else {
        return args.to_vec();
    };
    let mut all: Vec<(usize, &ast::Arg)> = order.into_iter().zip(args).collect();
    all.sort_by_key(|(place, _)| *place);
    all.into_iter().map(|(_, a)| a.clone()).collect()
}

impl<'a> Lower<'a> {
    /// A line with the conversion to write, if only the type of a value does not fit.
    fn conversion(&self, t: &Tensor, to: DType) -> String {
        let from = self.cx.g[t.id].dtype;
        let takes = match to {
            _ if from == to => return String::new(),
            DType::Float => Takes::Float,
            DType::Int => Takes::Int,
            DType::Bool => Takes::Bool,
        };
        format!("\nhelp: convert it: `{}`", takes.conversion(from, &t.text))
    }

    /// A call of another function of the current network, or of `of`, a network in a field with its parameters.
    pub fn call_function(
        &mut self,
        of: Option<(&'a Instance, Vec<NodeId>)>,
        index: usize,
        span: Span,
        given: Vec<Given>,
        source: &[ast::Arg],
    ) -> Reported<Value> {
        let net = of.as_ref().map_or(self.net, |(instance, _)| &instance.net);
        let signature = &net.signatures[index];
        if signature.poisoned {
            return Err(ErrorReported);
        }
        // Two networks have a `forward`: the message says whose.
        let callee = match &of {
            Some(_) => format!("{}::{}", net.name, signature.name),
            None => signature.name.to_string(),
        };
        let list: Vec<String> = (signature.args.iter())
            .map(|a| format!("{}: {}", a.name, show_type(&a.ty, &a.ty.shape)))
            .collect();
        if given.len() != signature.args.len() {
            let text = format!(
                "`{}` takes {}, but {}\n`{}` takes ({})",
                callee,
                crate::args::count(signature.args.len(), "argument"),
                crate::args::are_given(given.len()),
                callee,
                list.join(", ")
            );
            return Err(self.cx.error(span, text));
        }
        let names = given.iter().map(|g| g.name.as_ref());
        let order = match places(signature, names) {
            Ok(order) => order,
            Err((name, what)) => {
                let text = format!("{what}\n`{callee}` takes ({})", list.join(", "));
                return Err(self.cx.error(name.span(), text));
            }
        };
        let mut given: Vec<(usize, Given)> = order.into_iter().zip(given).collect();
        given.sort_by_key(|g| g.0);
        let mut dims: HashMap<String, Dim> = HashMap::new();
        let mut rest: Option<Shape> = None;
        let mut args = Vec::new();
        let shown: Vec<String> = given.iter().map(|(_, g)| g.text.clone()).collect();
        let source = in_order(signature, source);
        // An argument may need a dimension that a later one gives.
        for ((_, given), arg) in given.iter().zip(&signature.args) {
            if let (Value::Tensor(t), None) = (&given.value, arg.ty.rest) {
                let shape = self.cx.shape(t);
                if shape.len() == arg.ty.shape.len() {
                    bind(&mut dims, &shape, &arg.ty.shape);
                }
            }
        }
        for (k, ((_, given), arg)) in given.into_iter().zip(&signature.args).enumerate() {
            let (value, at, text) = (given.value, given.span, given.text);
            let mutable = matches!(source.get(k).map(|a| &a.value.kind), Some(ExprKind::Mut(_)));
            if mutable != arg.state {
                let text = match arg.state {
                    true => format!(
                        "argument `{}` of `{}` is `#[state]`: pass a variable with `&mut`",
                        arg.name, callee
                    ),
                    false => format!(
                        "argument `{}` of `{}` is not `#[state]`, so it takes no `&mut`\nhelp: remove `&mut`",
                        arg.name, callee
                    ),
                };
                return Err(self.cx.error(at, text));
            }
            let Some(mut t) = self.cx.lift(&value, &text) else {
                return Err(self.cx.error(
                    at,
                    format!(
                        "`{}` of `{}` must be a tensor, not {}",
                        arg.name,
                        callee,
                        value.kind()
                    ),
                ));
            };
            // A number takes the required type; the user has to convert a tensor.
            let literal = !matches!(value, Value::Tensor(_));
            if arg.ty.elem == Elem::Float && literal {
                t = self.cx.to_float(&t);
            }
            let mut shape = self.cx.shape(&t);
            // `..` is the same in all arguments.
            let mut known = true;
            if let (Some(at), true) = (arg.ty.rest, shape.len() >= arg.ty.shape.len()) {
                let end = at + shape.len() - arg.ty.shape.len();
                let middle: Shape = shape.drain(at..end).collect();
                let rest = rest.get_or_insert_with(|| middle.clone());
                known = self.cx.same_shape(rest, &middle);
            }
            let mut fits = known
                && shape.len() == arg.ty.shape.len()
                && self.cx.g[t.id].dtype == arg.ty.elem.dtype();
            if fits {
                bind(&mut dims, &shape, &arg.ty.shape);
                for (argument, at_dim, name) in &signature.solved {
                    if *argument != k || dims.contains_key(name) {
                        continue;
                    }
                    let (have, want) = (&shape[*at_dim], &arg.ty.shape[*at_dim]);
                    if let Some((factor, rest)) = want.linear(name) {
                        let known = [rest, factor].map(|d| substitute(&d, &dims));
                        let why = format!("`{}` of `{}` is {want}", arg.name, callee);
                        let size = self.cx.divides(&have.sub(&known[0]), &known[1], at, &why)?;
                        dims.insert(name.clone(), size);
                    }
                }
                let want = arg.ty.shape.iter().map(|d| substitute(d, &dims));
                fits = self.cx.same_shape(&shape, &want.collect::<Shape>());
            }
            if !fits {
                let declared = show_type(&arg.ty, &arg.ty.shape);
                let mut want = arg.ty.clone();
                want.shape = want.shape.iter().map(|d| substitute(d, &dims)).collect();
                if let (Some(at), Some(rest), false) = (want.rest, &rest, known) {
                    want.shape.splice(at..at, rest.iter().cloned());
                    want.rest = None;
                }
                let want = show_type(&want, &want.shape);
                // Names of dimensions that earlier arguments have bound.
                let bound = match want == declared {
                    true => String::new(),
                    false => format!("\n`{}` takes ({})", callee, list.join(", ")),
                };
                let text = format!(
                    "argument `{}` of `{}` must be {want}, but `{}` is {}{}{bound}",
                    arg.name,
                    callee,
                    t.text,
                    self.cx.typed(t.id),
                    self.cx.origin_line(&t)
                ) + &self.conversion(&t, arg.ty.elem.dtype());
                return Err(self.cx.error(at, text));
            }
            args.push(t);
        }
        for demand in &signature.require {
            let why = format!("`{}`: {}", callee, demand.what);
            match &demand.what {
                Require::Divides(p, q) => {
                    let (p, q) = (substitute(p, &dims), substitute(q, &dims));
                    self.cx.divides(&p, &q, span, &why)?;
                }
                Require::AtLeast(p, q) => {
                    let (p, q) = (substitute(p, &dims), substitute(q, &dims));
                    self.cx.at_least(&p, &q, span, &why)?;
                }
                Require::Probability(_) => {}
            }
        }
        let outer = std::mem::replace(&mut self.rest, rest);
        let inline = !self.opaque || signature.any_rank();
        let done = match of {
            _ if !inline => Ok(self.opaque_call(signature, &dims)),
            Some((instance, params)) => self.within(instance, params, span, |lower| {
                lower.function(index, args, &dims)
            }),
            None if self.opaque => {
                let reported = self.cx.diag.count();
                let types: Vec<String> = (args.iter().zip(&shown))
                    .map(|(t, text)| format!("{text}: {}", self.cx.typed(t.id)))
                    .collect();
                let done = self.function(index, args, &dims);
                let called = format!("\nin the call `{}({})`", signature.name, types.join(", "));
                self.cx.diag.append(reported, &called);
                done
            }
            None => self.function(index, args, &dims),
        };
        self.rest = outer;
        let Done { results, kept } = done?;
        let values = |ts: Vec<Tensor>| ts.into_iter().map(Value::Tensor).collect::<Vec<_>>();
        let mut results = values(results);
        let value = match (signature.tuple, results.len()) {
            (false, 1) => results.remove(0),
            _ => Value::Tuple(results),
        };
        Ok(match kept.is_empty() {
            true => value,
            false => Value::Tuple(vec![value, Value::Tuple(values(kept))]),
        })
    }

    /// The results of a call that is not lowered: values of the declared types.
    fn opaque_call(&mut self, signature: &Signature, dims: &HashMap<String, Dim>) -> Done {
        let mut value = |ty: &crate::net::Type, origin: String| {
            let shape: Shape = ty.shape.iter().map(|d| substitute(d, dims)).collect();
            let op = Op::Input { index: usize::MAX };
            let id = self.cx.g.add_typed(op, &[], shape, ty.elem.dtype());
            self.cx.ranges.declare(id, ty.elem);
            self.cx.origin.insert(id, origin);
            let text = String::new();
            Tensor { id, text }
        };
        let name = &signature.name;
        let results = (signature.ret.iter())
            .map(|ty| value(ty, format!("{name}(..)")))
            .collect();
        let kept = (signature.args.iter().filter(|a| a.state))
            .map(|a| value(&a.ty, format!("{name}(.., &mut {})", a.name)))
            .collect();
        Done { results, kept }
    }

    /// Assigns the values that a call leaves to its `&mut` variables; returns its result.
    pub fn take_back(
        &mut self,
        value: Value,
        signature: &Signature,
        args: &[ast::Arg],
    ) -> Reported<Value> {
        if signature.states().next().is_none() {
            return Ok(value);
        }
        let Value::Tuple(mut both) = value else {
            return Err(ErrorReported);
        };
        let (Some(Value::Tuple(kept)), Some(value)) = (both.pop(), both.pop()) else {
            return Err(ErrorReported);
        };
        let args = in_order(signature, args);
        for (i, new) in signature.states().zip(kept) {
            let Some(ExprKind::Mut(name)) = args.get(i).map(|a| &a.value.kind) else {
                return Err(ErrorReported);
            };
            self.assign_variable(name, Ok(new), &args[i].value)?;
        }
        Ok(value)
    }

    /// Runs `read` with a field's network as the current one. Errors are reported at the call: the network itself was
    /// checked where it is declared, for its own sizes.
    pub(super) fn within<T>(
        &mut self,
        instance: &'a Instance,
        params: Vec<NodeId>,
        span: Span,
        read: impl FnOnce(&mut Self) -> Reported<T>,
    ) -> Reported<T> {
        let reported = self.cx.diag.count();
        let depth = self.depth();
        let net = std::mem::replace(&mut self.net, &instance.net);
        let source = std::mem::replace(&mut self.source, &instance.unit.source);
        let outer = self.instance.replace((params, depth));
        let out = read(self);
        (self.net, self.source, self.instance) = (net, source, outer);
        let before = format!("in `{}`: ", instance.net.name);
        self.cx.diag.move_to(reported, span, &before);
        out
    }

    /// A call of a network in a field: of its function number `index`, or of its default function.
    pub fn call_block(
        &mut self,
        of: &LayerRef,
        instance: &'a Instance,
        index: Option<usize>,
        span: Span,
        given: Vec<Given>,
        args: &[ast::Arg],
    ) -> Reported<Value> {
        let field = &self.net.fields[of.field];
        let signatures = &instance.net.signatures;
        let meant = || match signatures.len() {
            1 => Some(0),
            _ => signatures.iter().position(|s| s.name == "forward"),
        };
        let Some(index) = index.or_else(meant) else {
            let names: Vec<&Ident> = signatures.iter().map(|s| &s.name).collect();
            let shown: Vec<&str> = given.iter().map(|g| g.text.as_str()).collect();
            let text = match signatures.first() {
                Some(first) => format!(
                    "`{0}({1})` calls the function `forward` of `{2}`, but `{2}` has only {3}\n{4}\nhelp: call another function: `{0}.{5}(..)`",
                    field.path,
                    shown.join(", "),
                    instance.net.name,
                    listed(&names),
                    field.decl,
                    first.name
                ),
                None => format!("`{}` has no functions to call\n{}", field.path, field.decl),
            };
            return Err(self.cx.error(span, text));
        };
        let value = self.again(of.field, &of.params, given, |lower, params, given| {
            lower.call_function(Some((instance, params)), index, span, given, args)
        })?;
        let value = self.take_back(value, &signatures[index], args)?;
        if let Value::Tensor(t) = &value {
            self.called(of.field, t.id);
            self.cx.origin.insert(t.id, field.decl.clone());
        }
        Ok(value)
    }

    /// `block.encode(x)`.
    pub fn call_of_block(
        &mut self,
        layer: LayerRef,
        x: &Expr,
        name: &Ident,
        given: Vec<Given>,
        args: &[ast::Arg],
    ) -> Reported<Value> {
        let net = self.net;
        let field = &net.fields[layer.field];
        let FieldKind::Block(instance) = &field.kind else {
            return Err(ErrorReported);
        };
        if layer.level < field.stack.len() {
            let text = format!(
                "`{x}` is an array of networks: choose one network, `{x}[0].{name}(..)`\n{}",
                field.decl
            );
            return Err(self.cx.error(name.span(), text));
        }
        let signatures = &instance.net.signatures;
        let Some(index) = signatures.iter().position(|s| s.name == *name) else {
            let names: Vec<String> = signatures.iter().map(|s| s.name.to_string()).collect();
            let hint = did_you_mean(&name.to_string(), names.iter().map(String::as_str));
            let text = format!(
                "`{}` has {}{hint}\n{}",
                instance.net.name,
                no_such("function", &name.to_string(), &names),
                field.decl
            );
            return Err(self.cx.error(name.span(), text));
        };
        self.call_block(&layer, instance, Some(index), name.span(), given, args)
    }

    /// The network or array of networks that an expression names, if any.
    pub fn block_at(&mut self, x: &Expr) -> Option<Reported<LayerRef>> {
        let kind = &self.net.fields[self.layer_field(x)?].kind;
        if let (FieldKind::Group { .. }, ExprKind::Index(..)) = (kind, &x.kind) {
            // A member of a list.
            let member = self.layer_at(x)?;
            let is_block =
                |layer: &LayerRef| matches!(self.net.fields[layer.field].kind, FieldKind::Block(_));
            return Some(member).filter(|layer| layer.as_ref().map_or(true, is_block));
        }
        let block = matches!(
            kind,
            FieldKind::Block(_) | FieldKind::Absent(_) | FieldKind::ErrorReported
        );
        block.then(|| self.layer_at(x)).flatten()
    }

    /// The same, for layers as well.
    pub fn layer_at(&mut self, x: &Expr) -> Option<Reported<LayerRef>> {
        let field = self.layer_field(x)?;
        if let FieldKind::ErrorReported | FieldKind::Absent(_) = self.net.fields[field].kind {
            self.uses(field);
            return Some(Err(self.absent(field, x.span)));
        }
        if let ExprKind::Name(n) = &x.kind
            && !self.scope.contains_key(&n.to_string())
        {
            self.uses(field);
            return Some(Ok(self.whole(field)));
        }
        Some(self.expr(x).and_then(|v| match v {
            Value::Layer(layer) => Ok(layer),
            _ => Err(ErrorReported),
        }))
    }

    fn layer_field(&self, x: &Expr) -> Option<usize> {
        let field = match &x.kind {
            ExprKind::Index(base, _) => return self.layer_field(base),
            ExprKind::Name(n) => match self.scope.get(&n.to_string()) {
                Some(local) => match &local.value {
                    Some(Value::Layer(layer)) => layer.field,
                    _ => return None,
                },
                None => self.net.fields.iter().position(|f| f.name == *n)?,
            },
            _ => return None,
        };
        let kind = &self.net.fields[field].kind;
        (!matches!(kind, FieldKind::Param | FieldKind::Buffer)).then_some(field)
    }

    /// Records the result of a call of the whole network's field, for the table of layers.
    pub fn called(&mut self, field: usize, result: NodeId) {
        if self.instance.is_none() {
            self.calls.push((field, self.cx.g.shape(result).clone()));
        }
    }
}

/// Gives the named dimensions of an argument their sizes.
fn bind(dims: &mut HashMap<String, Dim>, have: &[Dim], want: &[Dim]) {
    for (have, want) in have.iter().zip(want) {
        if let Some(name) = bare(want) {
            dims.entry(name).or_insert_with(|| have.clone());
        }
    }
}
