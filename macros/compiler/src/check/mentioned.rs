//! The Rust constants that functions mention: names in capitals that nothing else explains.
//!
//! Takes the syntax tree alone, so a network and those that hold it find the same names, whichever of its functions and
//! branches they use.

use super::collect::{names, of_kind};
use super::types::is_constant;
use crate::ast::{self, Block, Expr, ExprKind, Item, Stmt, Type};
use crate::diag::nearest;
use proc_macro2::Ident;

/// The names, each once, in the order of the source, and whether they are indexed. Of declarations, which have other
/// names too, only those that are indexed.
pub(super) fn mentioned(source: &ast::Network) -> Vec<(Ident, bool)> {
    let mut found = Found::default();
    let fields = source.fields.iter().map(|f| f.name.to_string());
    found.known.extend(fields);
    let defaults = source.generics.iter().filter_map(|p| p.default.as_ref());
    let sizes = defaults.chain(&source.conditions);
    sizes.for_each(|e| found.arrays(e));
    for field in &source.fields {
        of_kind(&field.kind, &mut |e| found.arrays(e));
        field.when.iter().for_each(|e| found.arrays(e));
    }
    let outer = found.known.len();
    for f in &source.functions {
        let mut sizes = Vec::new();
        for a in &f.args {
            found.known.push(a.name.to_string());
            a.ty.dims.iter().for_each(|d| names(d, &mut sizes));
        }
        found.known.extend(sizes.iter().map(Ident::to_string));
        let dims = f.args.iter().flat_map(|a| &a.ty.dims);
        dims.for_each(|d| found.arrays(d));
        f.ret.iter().for_each(|ty| found.ty(ty));
        f.body.iter().for_each(|b| found.block(b));
        found.known.truncate(outer);
    }
    found.out
}

/// A walk over functions.
#[derive(Default)]
struct Found {
    /// The names that are something else here.
    known: Vec<String>,
    out: Vec<(Ident, bool)>,
}

impl Found {
    fn name(&mut self, n: &Ident, indexed: bool) {
        let name = n.to_string();
        if !is_constant(&name) || self.known.contains(&name) {
            return;
        }
        if let Some(found) = self.out.iter_mut().find(|found| found.0 == *n) {
            found.1 |= indexed;
            return;
        }
        // A slip in one of these names.
        let alike = self.known.iter().filter(|k| is_constant(k));
        if nearest(&name, alike.map(String::as_str)).is_none() {
            self.out.push((n.clone(), indexed));
        }
    }

    /// The arrays in an expression whose other names are not looked for.
    fn arrays(&mut self, e: &Expr) {
        crate::visit::expr(e, &mut |e| {
            if let ExprKind::Index(x, _) = &e.kind
                && let ExprKind::Name(n) = &x.kind
            {
                self.name(n, true);
            }
        });
    }

    fn ty(&mut self, ty: &Type) {
        ty.dims.iter().for_each(|d| self.expr(d));
    }

    fn block(&mut self, b: &Block) {
        let outer = self.known.len();
        for s in &b.stmts {
            match s {
                Stmt::Let { pat, ty, value } => {
                    self.expr(value);
                    ty.iter().for_each(|ty| self.ty(ty));
                    self.bind(pat);
                }
                Stmt::Assign { value, .. } | Stmt::Expr(value) => self.expr(value),
                Stmt::For { names, overs, body } => {
                    overs.iter().for_each(|e| self.expr(e));
                    let outer = self.known.len();
                    self.known.extend(names.iter().map(Ident::to_string));
                    self.block(body);
                    self.known.truncate(outer);
                }
                Stmt::If(choice) => self.choice(choice),
            }
        }
        b.tail.iter().for_each(|e| self.expr(e));
        self.known.truncate(outer);
    }

    fn bind(&mut self, pat: &ast::Pat) {
        pat.names(&mut |n| self.known.push(n.to_string()));
    }

    fn choice(&mut self, choice: &ast::If) {
        self.expr(&choice.condition);
        self.block(&choice.then);
        choice.otherwise.iter().for_each(|b| self.block(b));
    }

    fn items(&mut self, items: &[Item]) {
        for item in items {
            match item {
                Item::At(e) => self.expr(e),
                Item::Range(s) => {
                    let ends = [&s.from, &s.to, &s.step];
                    ends.into_iter().flatten().for_each(|e| self.expr(e));
                }
                Item::Rest(_) => {}
            }
        }
    }

    fn expr(&mut self, e: &Expr) {
        match &e.kind {
            ExprKind::Name(n) => self.name(n, false),
            ExprKind::Call(_, args) => args.iter().for_each(|a| self.expr(&a.value)),
            ExprKind::Apply(x, args) | ExprKind::Method(x, _, args) => {
                self.expr(x);
                args.iter().for_each(|a| self.expr(&a.value));
            }
            ExprKind::Arrow(a, b) | ExprKind::Binary(_, a, b) => {
                self.expr(a);
                self.expr(b);
            }
            ExprKind::Neg(x) | ExprKind::Not(x) | ExprKind::Field(x, _) => self.expr(x),
            ExprKind::Tuple(items) | ExprKind::List(items) => {
                items.iter().for_each(|i| self.expr(i));
            }
            ExprKind::Index(x, items) => {
                match (&x.kind, items.as_slice()) {
                    (ExprKind::Name(n), [Item::At(_)]) => self.name(n, true),
                    _ => self.expr(x),
                }
                self.items(items);
            }
            ExprKind::Put(x, items, value) => {
                self.expr(x);
                self.items(items);
                self.expr(value);
            }
            ExprKind::Closure(c) => {
                let outer = self.known.len();
                c.args.iter().for_each(|pat| self.bind(pat));
                self.block(&c.body);
                self.known.truncate(outer);
            }
            ExprKind::If(choice) => self.choice(choice),
            ExprKind::Whole(_)
            | ExprKind::Number(_)
            | ExprKind::Str(_)
            | ExprKind::Bool(_)
            | ExprKind::Mut(_) => {}
        }
    }
}
