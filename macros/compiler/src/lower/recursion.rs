//! Functions that call themselves, directly or through others: a graph has no end to them.

use crate::ast::{self, ExprKind as K};
use crate::diag::Diag;
use proc_macro2::{Ident, Span};

/// Tells each of them at the call that closes the circle.
pub fn check_recursion(source: &ast::Network, diag: &Diag) {
    let calls: Vec<Vec<(usize, Span)>> = source
        .functions
        .iter()
        .map(|f| {
            let mut out = Vec::new();
            if let Some(body) = &f.body {
                in_block(body, &mut |name: &Ident| {
                    if let Some(i) = source.functions.iter().position(|g| g.name == *name) {
                        out.push((i, name.span()));
                    }
                });
            }
            out
        })
        .collect();
    for (i, own) in calls.iter().enumerate() {
        for (callee, span) in own {
            let mut seen = vec![false; calls.len()];
            let mut open = vec![*callee];
            while let Some(next) = open.pop() {
                if next == i {
                    let name = &source.functions[i].name;
                    diag.error(
                        *span,
                        format!("`{name}` calls itself: a network's graph has no end to recursion"),
                    );
                    break;
                }
                if !std::mem::replace(&mut seen[next], true) {
                    open.extend(calls[next].iter().map(|c| c.0));
                }
            }
        }
    }
}

/// Visits the name of every call in a block.
fn in_block(block: &ast::Block, visit: &mut dyn FnMut(&Ident)) {
    for s in &block.stmts {
        match s {
            ast::Stmt::Let { value, .. }
            | ast::Stmt::Assign { value, .. }
            | ast::Stmt::Expr(value) => in_expr(value, visit),
            ast::Stmt::For { over, body, .. } => {
                in_expr(over, visit);
                in_block(body, visit);
            }
        }
    }
    if let Some(e) = &block.tail {
        in_expr(e, visit);
    }
}

fn in_expr(e: &ast::Expr, visit: &mut dyn FnMut(&Ident)) {
    match &e.kind {
        K::Call(name, args) => {
            visit(name);
            args.iter().for_each(|a| in_expr(&a.value, visit));
        }
        K::Method(x, _, args) | K::Apply(x, args) => {
            in_expr(x, visit);
            args.iter().for_each(|a| in_expr(&a.value, visit));
        }
        K::Binary(_, a, b) | K::Arrow(a, b) => {
            in_expr(a, visit);
            in_expr(b, visit);
        }
        K::Neg(x) | K::Not(x) | K::Field(x, _) | K::Index(x, _) => in_expr(x, visit),
        K::Tuple(items) | K::List(items) => items.iter().for_each(|i| in_expr(i, visit)),
        K::Closure(c) => in_block(&c.body, visit),
        K::Number(..) | K::Str(_) | K::Bool(_) | K::Name(_) => {}
    }
}
