//! The outer variables that a block assigns: a loop carries them from iteration to iteration.

use crate::ast::{self, ExprKind, Pat, Stmt};
use crate::visit;
use proc_macro2::Ident;

/// Adds the names, in order, except those in `own`, which the block binds itself. A variable given as `&mut` is
/// assigned, too.
pub fn assigned_in(body: &ast::Block, own: &mut Vec<String>, out: &mut Vec<Ident>) {
    let before = own.len();
    for stmt in &body.stmts {
        match stmt {
            Stmt::For { names, body, overs } => {
                // Assigning a part of a tensor assigns the tensor.
                let mut parts = Vec::new();
                assigned_in(body, &mut Vec::new(), &mut parts);
                for (name, over) in names.iter().zip(overs) {
                    let over = super::loops::reversed(over).unwrap_or(over);
                    if let (true, ExprKind::Name(n)) = (parts.contains(name), &over.kind) {
                        add(n, own, out);
                    }
                }
                let outer = own.len();
                own.extend(names.iter().map(Ident::to_string));
                assigned_in(body, own, out);
                own.truncate(outer);
            }
            Stmt::If(choice) => {
                assigned_in(&choice.then, own, out);
                let otherwise = choice.otherwise.iter();
                otherwise.for_each(|b| assigned_in(b, own, out));
            }
            _ => visit::stmt(stmt, &mut |e| given(e, own, out)),
        }
        match stmt {
            Stmt::Let { pat, .. } => bound_by(pat, own),
            Stmt::Assign { target, .. } => {
                target.names(&mut |name| add(name, own, out));
            }
            _ => {}
        }
    }
    if let Some(tail) = &body.tail {
        visit::expr(tail, &mut |e| given(e, own, out));
    }
    own.truncate(before);
}

/// `&mut name`.
fn given(e: &ast::Expr, own: &[String], out: &mut Vec<Ident>) {
    if let ExprKind::Mut(name) = &e.kind {
        add(name, own, out);
    }
}

fn add(name: &Ident, own: &[String], out: &mut Vec<Ident>) {
    if !own.iter().any(|o| name == o) && !out.contains(name) {
        out.push(name.clone());
    }
}

/// The names in a pattern.
pub fn bound_by(pat: &Pat, own: &mut Vec<String>) {
    pat.names(&mut |name| own.push(name.to_string()));
}
