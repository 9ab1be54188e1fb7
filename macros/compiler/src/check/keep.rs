//! `#[state]`: a value that functions keep from call to call has the same type in all of them.

use crate::ast;
use crate::diag::Diag;
use crate::lower::show_type;
use crate::net::{Kept, Net};

/// The kept values of all functions: one type for each name.
pub(super) fn keep(net: &mut Net, source: &ast::Network, diag: &Diag) {
    for (f, function) in source.functions.iter().enumerate() {
        for i in net.signatures[f].states().collect::<Vec<_>>() {
            if net.signatures[f].poisoned {
                break;
            }
            let arg = net.signatures[f].args[i].clone();
            let Some(k) = net.kept(&arg.name) else {
                net.states.push(Kept {
                    name: arg.name,
                    ty: arg.ty,
                });
                continue;
            };
            let known = &net.states[k].ty;
            if known.elem != arg.ty.elem || known.shape != arg.ty.shape {
                let text = format!(
                    "`#[state] {0}` is {2} here, but {1} in another function\nhelp: rename one of the states, or use the same shape",
                    arg.name,
                    show_type(known, &known.shape),
                    show_type(&arg.ty, &arg.ty.shape)
                );
                diag.error(function.args[i].name.span(), text);
                net.signatures[f].poisoned = true;
            }
        }
    }
    let dims = net.kept_dims();
    if dims.len() > 8 {
        let text = format!(
            "the `#[state]` arguments have {} named dimensions, but at most 8 are possible",
            dims.len()
        );
        diag.error(net.name.span(), text);
    }
    let Some(kept) = net.states.first().map(|s| s.name.clone()) else {
        return;
    };
    for (f, signature) in source.functions.iter().zip(&mut net.signatures) {
        if f.name == "state" || f.name == "state_memory" {
            let text = format!(
                "the method `{}` is generated for `#[state] {kept}`: rename the function",
                f.name
            );
            diag.error(f.name.span(), text);
            signature.poisoned = true;
        }
    }
}
