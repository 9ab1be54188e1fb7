//! Arrays whose elements differ by their position: `[Block<8, 2 ** i>; 4]` has dilations of 1, 2, 4 and 8. They are lists.

use super::collect::names_of_kind;
use crate::ast::{Arg, Block, Expr, ExprKind, FieldKind, GroupItem, If, Item};
use proc_macro2::Span;

/// The number of an element.
const POSITION: &str = "i";

/// Whether an element's declaration mentions its number.
pub(super) fn mentions(kind: &FieldKind) -> bool {
    let mut names = Vec::new();
    names_of_kind(kind, &mut names);
    names.iter().any(|n| n == POSITION)
}

/// The array as a list of `count` elements.
pub(super) fn list(element: &FieldKind, count: i64, span: Span) -> FieldKind {
    let item = |k| GroupItem {
        name: None,
        span,
        kind: at(element, k),
    };
    FieldKind::Group {
        chain: false,
        items: (0..count).map(item).collect(),
    }
}

/// The element of number `k`.
fn at(kind: &FieldKind, k: i64) -> FieldKind {
    let args = |args: &[Arg]| -> Vec<Arg> {
        let arg = |a: &Arg| Arg {
            name: a.name.clone(),
            value: value(&a.value, k),
        };
        args.iter().map(arg).collect()
    };
    match kind {
        FieldKind::Layer { layer, args: given } => FieldKind::Layer {
            layer: layer.clone(),
            args: args(given),
        },
        FieldKind::Block { path, args: given } => FieldKind::Block {
            path: path.clone(),
            args: given.iter().map(|e| value(e, k)).collect(),
        },
        FieldKind::Group { chain, items } => FieldKind::Group {
            chain: *chain,
            items: (items.iter())
                .map(|i| GroupItem {
                    kind: at(&i.kind, k),
                    ..i.clone()
                })
                .collect(),
        },
        other => other.clone(),
    }
}

fn value(e: &Expr, k: i64) -> Expr {
    let part = |e: &Expr| Box::new(value(e, k));
    let all = |items: &[Expr]| items.iter().map(|e| value(e, k)).collect();
    let kind = match &e.kind {
        ExprKind::Name(n) if n == POSITION => ExprKind::Whole(k.into()),
        ExprKind::Binary(op, a, b) => ExprKind::Binary(*op, part(a), part(b)),
        ExprKind::Arrow(a, b) => ExprKind::Arrow(part(a), part(b)),
        ExprKind::Neg(a) => ExprKind::Neg(part(a)),
        ExprKind::List(items) => ExprKind::List(all(items)),
        ExprKind::Tuple(items) => ExprKind::Tuple(all(items)),
        ExprKind::Call(name, args) => {
            let arg = |a: &Arg| Arg {
                name: a.name.clone(),
                value: value(&a.value, k),
            };
            ExprKind::Call(name.clone(), args.iter().map(arg).collect())
        }
        ExprKind::Method(x, name, args) => {
            let arg = |a: &Arg| Arg {
                name: a.name.clone(),
                value: value(&a.value, k),
            };
            ExprKind::Method(part(x), name.clone(), args.iter().map(arg).collect())
        }
        ExprKind::Index(x, items) => {
            let item = |item: &Item| match item {
                Item::At(e) => Item::At(value(e, k)),
                other => other.clone(),
            };
            ExprKind::Index(part(x), items.iter().map(item).collect())
        }
        ExprKind::Not(a) => ExprKind::Not(part(a)),
        ExprKind::If(choice) => {
            let block = |block: &Block| Block {
                stmts: block.stmts.clone(),
                tail: block.tail.as_ref().map(|e| value(e, k)),
            };
            ExprKind::If(Box::new(If {
                condition: value(&choice.condition, k),
                then: block(&choice.then),
                otherwise: choice.otherwise.as_ref().map(block),
            }))
        }
        _ => return e.clone(),
    };
    Expr { kind, span: e.span }
}
