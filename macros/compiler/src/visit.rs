//! Walks over syntax trees.

use crate::ast::{Block, Expr, ExprKind as K, If, Item, Stmt};

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
        K::Binary(_, a, b) | K::Arrow(a, b) => {
            expr(a, f);
            expr(b, f);
        }
        K::Index(x, at) => {
            expr(x, f);
            items(at, f);
        }
        K::Put(x, at, value) => {
            expr(x, f);
            items(at, f);
            expr(value, f);
        }
        K::Neg(x) | K::Not(x) | K::Field(x, _) => expr(x, f),
        K::Tuple(items) | K::List(items) => items.iter().for_each(|i| expr(i, f)),
        K::Closure(c) => block(&c.body, f),
        K::If(choice) => branches(choice, f),
        K::Whole(_) | K::Number(_) | K::Str(_) | K::Bool(_) | K::Name(_) | K::Mut(_) => {}
    }
}

/// Visits the conditions of all choices in a block.
pub fn conditions(b: &Block, f: &mut dyn FnMut(&Expr)) {
    for s in &b.stmts {
        match s {
            Stmt::If(choice) => conditions_of(choice, f),
            Stmt::For { body, .. } => conditions(body, f),
            Stmt::Let { .. } | Stmt::Assign { .. } | Stmt::Expr(_) => {}
        }
    }
    // Choices between values are expressions.
    block(b, &mut |e| {
        if let K::If(choice) = &e.kind {
            f(&choice.condition);
        }
    });
}

fn conditions_of(choice: &If, f: &mut dyn FnMut(&Expr)) {
    f(&choice.condition);
    conditions(&choice.then, f);
    choice.otherwise.iter().for_each(|b| conditions(b, f));
}

fn items(all: &[Item], f: &mut dyn FnMut(&Expr)) {
    for item in all {
        match item {
            Item::At(e) => expr(e, f),
            Item::Range(slice) => {
                let ends = [&slice.from, &slice.to, &slice.step];
                ends.into_iter().flatten().for_each(|e| expr(e, f));
            }
            Item::Rest(_) => {}
        }
    }
}
