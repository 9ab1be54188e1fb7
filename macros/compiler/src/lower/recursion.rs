//! Functions that call themselves, directly or through others: their graph would be infinite.

use crate::ast::{self, ExprKind};
use crate::diag::Diag;
use crate::visit;
use proc_macro2::Span;

/// Reports each of them at the call that closes the cycle.
pub fn check_recursion(source: &ast::Network, diag: &Diag) {
    let calls: Vec<Vec<(usize, Span)>> = source
        .functions
        .iter()
        .map(|f| {
            let mut out = Vec::new();
            if let Some(body) = &f.body {
                visit::block(body, &mut |e| {
                    if let ExprKind::Call(name, _) = &e.kind
                        && let Some(i) = source.functions.iter().position(|g| g.name == *name)
                    {
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
                    let through = match *callee == i {
                        true => String::new(),
                        false => format!(" through `{}`", source.functions[*callee].name),
                    };
                    diag.error(
                        *span,
                        format!("`{name}` calls itself{through}: a function cannot be recursive"),
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
