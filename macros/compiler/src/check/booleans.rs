//! Constants of type `bool`: those that a declaration names so, and the Rust constants that stand where only a boolean
//! can.
//!
//! The value of such a constant is the size 1 if it is true, and 0 if not. rustc knows it: a network that asks for it is
//! compiled for both answers ([`variant`](crate::variant)).

use super::collect::of_kind;
use crate::ast::{self, Arg, ConstType, Expr, ExprKind, Op};
use crate::condition::Condition;
use crate::cx::Cx;
use crate::diag::{ErrorReported, Reported};
use crate::dim::Dim;
use crate::net::Net;
use crate::unit::Unit;
use crate::value::Value;
use crate::{layers, ops, visit};
use proc_macro2::Ident;

/// The names that stand where only a boolean can: as conditions, as arguments that are `true` or `false`, and as the
/// `bool` parameters of networks in fields.
pub(super) fn booleans(unit: &Unit) -> Vec<String> {
    let source = &unit.source;
    let mut out = Vec::new();
    let defaults = source.generics.iter().filter(|p| p.ty == ConstType::Bool);
    let defaults = defaults.filter_map(|p| p.default.as_ref());
    let conditions = source.conditions.iter();
    let conditions = conditions.chain(source.fields.iter().filter_map(|f| f.when.as_ref()));
    conditions.chain(defaults).for_each(|e| alone(e, &mut out));
    for field in &source.fields {
        of_field(unit, &field.kind, &mut out);
    }
    for body in source.functions.iter().filter_map(|f| f.body.as_ref()) {
        visit::conditions(body, &mut |e| alone(e, &mut out));
        visit::block(body, &mut |e| match &e.kind {
            ExprKind::Call(name, args) => of_op(&name.to_string(), 0, args, &mut out),
            ExprKind::Method(_, name, args) => of_op(&name.to_string(), 1, args, &mut out),
            _ => {}
        });
    }
    out
}

/// The names that a condition consists of: `A` and `B` in `A && !B`.
fn alone(e: &Expr, out: &mut Vec<String>) {
    match &e.kind {
        ExprKind::Name(n) => out.push(n.to_string()),
        ExprKind::Not(a) => alone(a, out),
        ExprKind::Binary(Op::And | Op::Or, a, b) => {
            alone(a, out);
            alone(b, out);
        }
        _ => {}
    }
}

fn of_field(unit: &Unit, kind: &ast::FieldKind, out: &mut Vec<String>) {
    match kind {
        ast::FieldKind::Layer { layer, args } => of_layer(&layer.to_string(), args, out),
        ast::FieldKind::Block { path, args } => {
            let Some(inner) = unit.of(path) else { return };
            let taken = inner.source.generics.iter().zip(args);
            taken
                .filter(|(p, _)| p.ty == ConstType::Bool)
                .for_each(|(_, e)| alone(e, out));
        }
        ast::FieldKind::Array { element, .. } => of_field(unit, element, out),
        ast::FieldKind::Group { items, .. } => {
            items.iter().for_each(|i| of_field(unit, &i.kind, out));
        }
        _ => {}
    }
    // Layers inside the declarations of layers.
    of_kind(kind, &mut |e| {
        visit::expr(e, &mut |e| {
            if let ExprKind::Call(layer, args) = &e.kind {
                of_layer(&layer.to_string(), args, out);
            }
        });
    });
}

fn of_layer(layer: &str, args: &[Arg], out: &mut Vec<String>) {
    flags(args, 0, out, |is| layers::takes_boolean(layer, is));
}

/// `before` is the number of arguments that stand before the parentheses.
fn of_op(name: &str, before: usize, args: &[Arg], out: &mut Vec<String>) {
    let Some(op) = ops::find(name) else { return };
    flags(args, before, out, |is| {
        let all = crate::args::parameters(op.signature)
            .into_iter()
            .enumerate();
        all.filter(|(i, (name, _))| is(*i, name))
            .any(|(_, (_, default))| crate::args::is_flag(default))
    });
}

fn flags(
    args: &[Arg],
    before: usize,
    out: &mut Vec<String>,
    takes: impl Fn(&dyn Fn(usize, &str) -> bool) -> bool,
) {
    let mut position = before;
    for a in args {
        let flag = match &a.name {
            Some(name) => takes(&|_, n| name == n),
            None => {
                position += 1;
                takes(&|i, _| i + 1 == position)
            }
        };
        if flag {
            alone(&a.value, out);
        }
    }
}

/// Whether such a constant is true. One that only rustc knows is recorded.
pub fn is_true(net: &Net, cx: &Cx, name: &Ident, value: &Value) -> Reported<bool> {
    let value = value.as_dim().ok_or(ErrorReported)?;
    let condition = Condition::Equal(value, Dim::one());
    net.equal.decide(&condition).ok_or_else(|| {
        cx.diag.undecided(condition, name.to_string(), name.span());
        ErrorReported
    })
}

/// Reports a boolean where a size is needed.
pub fn not_a_size(cx: &Cx, name: &Ident) -> ErrorReported {
    let text = format!("`{name}` is a `bool`, not a size");
    cx.error(name.span(), text)
}
