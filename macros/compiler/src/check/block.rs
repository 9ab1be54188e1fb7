//! Networks in fields: their const parameters get values in terms of the network around them.

use super::constant::constant;
use super::instance;
use crate::ast::{self, Expr};
use crate::cx::Cx;
use crate::diag::{Diag, ErrorReported, Reported};
use crate::net::{Held, Instance, Net};
use crate::unit::Unit;
use proc_macro2::{Ident, Span};

/// `Block<128, 4>`.
pub(super) fn block_text(path: &[Ident], args: &[Expr]) -> String {
    let list: Vec<String> = args.iter().map(Expr::to_string).collect();
    match list.is_empty() {
        true => ast::show_path(path),
        false => format!("{}<{}>", ast::show_path(path), list.join(", ")),
    }
}

/// The network of a field, with values for its const parameters.
pub(super) fn block(
    net: &mut Net,
    unit: &Unit,
    cx: &mut Cx,
    path: &[Ident],
    args: &[Expr],
) -> Reported<Instance> {
    // Errors in that network are already reported.
    let unit = unit.of(path).ok_or(ErrorReported)?;
    let span = path.last().map_or_else(Span::call_site, Ident::span);
    let text = block_text(path, args);
    let wanted = &unit.source.generics;
    let mut values = Vec::new();
    for e in args {
        let d = constant(net, cx, e)?.as_dim();
        values.push(match d {
            Some(d) if d.value().is_none_or(|v| v >= 0) => d,
            Some(d) => {
                let text = format!(
                    "a size of `{}` must not be negative, but is {d}",
                    ast::show_path(path)
                );
                return Err(cx.error(e.span, text));
            }
            None => {
                let text = format!(
                    "a size of `{}` must be an integer, not {e}",
                    ast::show_path(path)
                );
                return Err(cx.error(e.span, text));
            }
        });
    }
    let least = wanted.iter().filter(|p| p.default.is_none()).count();
    if values.len() < least || values.len() > wanted.len() {
        let declared: Vec<String> = (wanted.iter())
            .map(|p| match &p.default {
                Some(d) => format!("const {}: usize = {d}", p.name),
                None => format!("const {}: usize", p.name),
            })
            .collect();
        let declared = match declared.is_empty() {
            true => String::new(),
            false => format!("<{}>", declared.join(", ")),
        };
        let sizes = match least == wanted.len() {
            true => crate::args::count(least, "size"),
            false if least + 1 == wanted.len() => format!("{least} or {} sizes", wanted.len()),
            false => format!("{least} to {} sizes", wanted.len()),
        };
        let text = format!(
            "`{}` takes {sizes}, but {}\nnote: the declaration is `struct {}{declared}`",
            unit.source.name,
            crate::args::are_given(values.len()),
            unit.source.name,
        );
        return Err(cx.error(span, text));
    }
    let prefix = format!("{}{}::", net.prefix, ast::show_path(path));
    let diag = Diag::default();
    let inner = instance(&unit, values, (&prefix, &net.equal), &diag);
    for message in diag.messages() {
        cx.diag.take(message, span, &format!("in `{text}`: "));
    }
    if diag.any() {
        return Err(ErrorReported);
    }
    if !net.held.iter().any(|h| h.path == path) {
        net.held.push(Held {
            path: path.to_vec(),
            generics: wanted.len(),
            consts: inner.all_consts(),
            customs: inner.all_customs(),
        });
    }
    Ok(Instance { net: inner, unit })
}
