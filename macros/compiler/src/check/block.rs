//! Networks in fields: their const parameters get values in terms of the network around them.

use super::condition::holds;
use super::constant::{constant, number};
use super::instance;
use crate::ast::{self, ConstParam, ConstType, Expr, ExprKind};
use crate::cx::Cx;
use crate::diag::{Diag, ErrorReported, Reported};
use crate::net::{Held, Instance, Net};
use crate::unit::{Unit, is_own};
use crate::value::Value;
use proc_macro2::{Ident, Span};
use std::cell::Cell;

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
    for (k, e) in args.iter().enumerate() {
        if let Some(p) = wanted.get(k).filter(|p| p.ty != ConstType::Size) {
            values.push(parameter(net, cx, p, e)?);
            continue;
        }
        let d = constant(net, cx, e)?.as_dim();
        values.push(match d {
            Some(d) if d.value().is_none_or(|v| v >= 0) => Value::of_dim(d),
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
                Some(d) => format!("const {}: {} = {d}", p.name, ty(p)),
                None => format!("const {}: {}", p.name, ty(p)),
            })
            .collect();
        let declared = match declared.is_empty() {
            true => String::new(),
            false => format!("<{}>", declared.join(", ")),
        };
        let noun = match wanted.iter().any(|p| p.ty != ConstType::Size) {
            true => "parameter",
            false => "size",
        };
        let sizes = match least == wanted.len() {
            true => crate::args::count(least, noun),
            false if least + 1 == wanted.len() => format!("{least} or {} {noun}s", wanted.len()),
            false => format!("{least} to {} {noun}s", wanted.len()),
        };
        let text = format!(
            "`{}` takes {sizes}, but {}\nnote: the declaration is `struct {}{declared}`",
            unit.source.name,
            crate::args::are_given(values.len()),
            unit.source.name,
        );
        return Err(cx.error(span, text));
    }
    let own = is_own(&unit.source, path) && net.name == unit.source.name;
    if own {
        within_itself(net, cx, (path, span), (wanted, &values))?;
    }
    // Its constants are those of the network around it, if that is the same.
    let prefix = match own {
        true => net.prefix.clone(),
        false => format!("{}{}::", net.prefix, ast::show_path(path)),
    };
    let depth = if own { net.depth + 1 } else { 0 };
    let diag = Diag::default();
    let inner = instance(&unit, values, (&prefix, &net.equal, depth), &diag);
    if let Some(first) = diag.first_undecided() {
        cx.diag.undecided(first.condition, first.text, first.span);
    }
    for message in diag.messages() {
        let place = match own {
            true => String::new(),
            false => format!("in `{text}`: "),
        };
        cx.diag.take(message, span, &place);
    }
    if diag.any() {
        return Err(ErrorReported);
    }
    if own {
        for held in &inner.held {
            if !net.held.iter().any(|h| h.path == held.path) {
                net.held.push(held.clone());
            }
        }
    } else if !net.held.iter().any(|h| h.path == path) {
        net.held.push(Held {
            path: path.to_vec(),
            generics: wanted.iter().map(|p| p.ty).collect(),
            consts: inner.all_consts(),
            customs: inner.all_customs(),
        });
    }
    Ok(Instance { net: inner, unit })
}

/// The most networks in a network of the same name.
const MOST: usize = 64;

thread_local! {
    /// The networks of the same name so far.
    static WITHIN: Cell<usize> = const { Cell::new(0) };
}

/// Checks that a network that holds itself ends.
fn within_itself(
    net: &Net,
    cx: &Cx,
    (path, span): (&[Ident], Span),
    (wanted, values): (&[ConstParam], &[Value]),
) -> Reported<()> {
    let name = ast::show_path(path);
    if wanted.is_empty() {
        // `holds_itself` has reported it.
        return Err(ErrorReported);
    }
    let all = match net.depth {
        0 => 1,
        _ => WITHIN.get() + 1,
    };
    WITHIN.set(all);
    // Known, or the same inside.
    let known = |(k, v): (usize, &Value)| {
        let own = net.generics.get(k).and_then(|g| g.value.as_dim());
        v.number().is_some() || own.is_some() && own == v.as_dim()
    };
    let text = match values.iter().enumerate().all(known) {
        true if all <= MOST => return Ok(()),
        true => format!(
            "the recursion of `{name}` does not end: `{name}` contains itself more than {MOST} times\nhelp: make a const parameter smaller in the field, and end with a condition: `#[when(N > 1)] inner: {name}<N - 1>`"
        ),
        false => format!(
            "`{name}` contains itself, so the macro must know the values of its const parameters"
        ),
    };
    Err(cx.error(span, text))
}

/// The type of a const parameter.
fn ty(p: &ast::ConstParam) -> &'static str {
    match p.ty {
        ConstType::Size => "usize",
        ConstType::Float => "f64",
        ConstType::Bool => "bool",
    }
}

/// The value of a parameter that is not a size. A `bool` is 1 or 0, or a constant that rustc knows.
pub(super) fn parameter(net: &Net, cx: &mut Cx, p: &ast::ConstParam, e: &Expr) -> Reported<Value> {
    if p.ty == ConstType::Float {
        return match number(net, cx, e)?.real() {
            Some(value) => Ok(Value::of_real(value)),
            None => {
                let text = format!("the `f64` parameter `{}` must be a number, not {e}", p.name);
                Err(cx.error(e.span, text))
            }
        };
    }
    if let ExprKind::Name(n) = &e.kind
        && net.is_boolean(&n.to_string())
        && let Some(value) = net.constant(&n.to_string())
    {
        return Ok(value);
    }
    if let ExprKind::Whole(_) | ExprKind::Number(_) | ExprKind::Str(_) = &e.kind {
        let text = format!(
            "the `bool` parameter `{}` must be `true`, `false` or a condition, not {e}",
            p.name
        );
        return Err(cx.error(e.span, text));
    }
    let holds = holds(net, cx, e, None)?;
    Ok(Value::Whole(i128::from(holds)))
}
