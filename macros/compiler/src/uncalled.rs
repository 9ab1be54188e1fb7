//! Checks functions of values of any rank, `[.., D]`, that no function of their network calls. Another network may call
//! them, with any dimensions in the place of `..`. So an error is a mistake if it is the same with any number of dimensions,
//! and not about these.

use crate::ast::{self, Expr, ExprKind};
use crate::check::check_with;
use crate::diag::{Diag, Message};
use crate::lower;
use crate::net::Net;
use crate::unit::Unit;
use crate::visit;
use proc_macro2::Ident;

/// The numbers of dimensions that are tried.
const RANKS: [usize; 6] = [1, 2, 3, 4, 5, 0];

/// The dimensions in the place of `..`.
const NAME: &str = "RestOfDimensions";

/// Reports the mistakes in such functions.
pub fn check(net: &Net, unit: &Unit, diag: &Diag) {
    let source = &unit.source;
    let mut called: Vec<String> = Vec::new();
    for body in source.functions.iter().filter_map(|f| f.body.as_ref()) {
        visit::block(body, &mut |e| {
            if let ExprKind::Call(name, _) = &e.kind {
                called.push(name.to_string());
            }
        });
    }
    for (index, s) in net.signatures.iter().enumerate() {
        if s.any_rank() && !s.poisoned && !called.contains(&s.name.to_string()) {
            function(net, unit, index, diag);
        }
    }
}

fn function(net: &Net, unit: &Unit, index: usize, diag: &Diag) {
    let mut found: Option<Vec<Message>> = None;
    for rank in RANKS {
        let tried = Diag::default();
        let unit = with_rank(unit, index, rank);
        let net = check_with(&unit, &net.equal, &tried);
        if net.signatures[index].poisoned {
            continue;
        }
        // Errors of declarations are reported where they are.
        let before = tried.messages().len();
        lower::check_function(&net, &unit.source, index, &tried);
        if let Some(undecided) = tried.first_undecided() {
            diag.undecided(undecided.condition, undecided.text, undecided.span);
            return;
        }
        let errors = tried.messages();
        let errors = errors.into_iter().skip(before);
        let both: Vec<Message> = match found {
            None => errors.filter(|m| !m.text.contains(NAME)).collect(),
            Some(first) => {
                let here: Vec<Message> = errors.collect();
                let again = |m: &Message| here.iter().any(|h| h.is(m));
                first.into_iter().filter(again).collect()
            }
        };
        if both.is_empty() {
            return;
        }
        found = Some(both);
    }
    for message in found.into_iter().flatten() {
        let span = message.span;
        diag.take(message, span, "");
    }
}

/// The network with dimensions of names in the place of `..` in one function.
fn with_rank(unit: &Unit, index: usize, rank: usize) -> Unit {
    let mut source = unit.source.clone();
    let function = &mut source.functions[index];
    let args = function.args.iter_mut().map(|a| &mut a.ty);
    for ty in args.chain(&mut function.ret) {
        open(ty, rank);
    }
    Unit {
        source,
        held: unit.held.clone(),
    }
}

fn open(ty: &mut ast::Type, rank: usize) {
    let Some(at) = ty.rest.take() else { return };
    for k in (0..rank).rev() {
        let name = Ident::new(&format!("{NAME}{k}"), ty.span);
        let kind = ExprKind::Name(name);
        ty.dims.insert(
            at,
            Expr {
                kind,
                span: ty.span,
            },
        );
    }
}
