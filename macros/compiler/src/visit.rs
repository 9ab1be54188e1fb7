//! Walks over syntax trees.

use crate::ast::{Block, Expr, ExprKind as K, If, Stmt};

/// Visits every expression of a block, outer expressions first.
pub fn block(b: &Block, f: &mut dyn FnMut(&Expr)) {
    b.stmts.iter().for_each(|s| stmt(s, f));
    b.tail.iter().for_each(|e| expr(e, f));
}

/// The same for a statement.
pub fn stmt(s: &Stmt, f: &mut dyn FnMut(&Expr)) {
    match s {
        Stmt::Let { value, .. } | Stmt::Assign { value, .. } | Stmt::Expr(value) => expr(value, f),
        Stmt::For { overs, body, .. } => {
            overs.iter().for_each(|e| expr(e, f));
            block(body, f);
        }
        Stmt::If(choice) => branches(choice, f),
    }
}

fn branches(choice: &If, f: &mut dyn FnMut(&Expr)) {
    block(&choice.then, f);
    choice.otherwise.iter().for_each(|b| block(b, f));
}

/// An expression and all its parts.
pub fn expr(e: &Expr, f: &mut dyn FnMut(&Expr)) {
    f(e);
    match &e.kind {
        K::Call(_, args) => args.iter().for_each(|a| expr(&a.value, f)),
        K::Method(x, _, args) | K::Apply(x, args) => {
            expr(x, f);
            args.iter().for_each(|a| expr(&a.value, f));
        }
        K::Binary(_, a, b) | K::Arrow(a, b) | K::Put(a, _, b) => {
            expr(a, f);
            expr(b, f);
        }
        K::Neg(x) | K::Not(x) | K::Field(x, _) | K::Index(x, _) => expr(x, f),
        K::Tuple(items) | K::List(items) => items.iter().for_each(|i| expr(i, f)),
        K::Closure(c) => block(&c.body, f),
        K::If(choice) => branches(choice, f),
        K::Whole(_) | K::Number(_) | K::Str(_) | K::Bool(_) | K::Name(_) | K::Mut(_) => {}
    }
}
