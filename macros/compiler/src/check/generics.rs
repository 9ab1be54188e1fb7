//! The const parameters of a network and their defaults.

use super::block::parameter;
use super::collect::names;
use super::constant::constant;
use crate::ast::{self, ConstType, Expr, ExprKind, Op};
use crate::cx::Cx;
use crate::diag::{Diag, Reported};
use crate::dim::{Atom, Dim};
use crate::net::{Generic, Net};
use crate::value::Value;
use proc_macro2::{Ident, Literal, TokenStream};
use quote::quote;

/// The parameters. The first have these values, the others the values of their defaults, which `defaults` computes.
pub(super) fn generics(source: &ast::Network, values: &[Value], diag: &Diag) -> Vec<Generic> {
    let mut out: Vec<Generic> = Vec::new();
    let mut optional = false;
    // Rust has no defaults before a parameter without one.
    let mut last_without = 0;
    for (k, p) in source.generics.iter().enumerate() {
        if out.iter().any(|g| g.name == p.name) {
            continue; // reported as a name given twice
        }
        if optional && p.default.is_none() {
            let text = format!(
                "`{}` needs a default, because an earlier parameter has one\nhelp: write the parameters with defaults last",
                p.name
            );
            diag.error(p.name.span(), text);
        }
        optional |= p.default.is_some();
        let default = p.default.as_ref().and_then(|e| in_rust(source, k, e));
        if default.is_none() {
            last_without = out.len();
        }
        let own = || {
            let name = p.name.to_string();
            Value::of_dim(Dim::atom(match p.ty {
                ConstType::Float => Atom::Float(name),
                _ => Atom::Const(name),
            }))
        };
        out.push(Generic {
            name: p.name.clone(),
            ty: p.ty,
            default,
            value: values.get(k).cloned().unwrap_or_else(own),
        });
    }
    for g in out.iter_mut().take(last_without) {
        g.default = None;
    }
    out
}

/// Computes the defaults, and gives them to the parameters after the first `given`.
pub(super) fn defaults(source: &ast::Network, net: &mut Net, given: usize, diag: &Diag) {
    for (k, p) in source.generics.iter().enumerate() {
        let Some(e) = &p.default else { continue };
        let mut cx = Cx::new(diag, false);
        let Ok(value) = default(source, net, &mut cx, (k, e)) else {
            continue;
        };
        if k >= given {
            net.require.extend(cx.require);
            let own = net.generics.iter_mut().filter(|g| g.name == p.name);
            own.for_each(|g| g.value = value.clone());
        }
    }
}

/// The value of a parameter's default: the parameter is given by its number.
fn default(
    source: &ast::Network,
    net: &Net,
    cx: &mut Cx,
    (k, e): (usize, &Expr),
) -> Reported<Value> {
    let name = &source.generics[k].name;
    let mut used = Vec::new();
    names(e, &mut used);
    let later = |n: &&Ident| source.generics[k..].iter().any(|p| p.name == **n);
    if let Some(later) = used.iter().find(later) {
        let text =
            format!("the default of `{name}` can use only the parameters before it, not `{later}`");
        return Err(cx.error(later.span(), text));
    }
    if source.generics[k].ty != ConstType::Size {
        return parameter(net, cx, &source.generics[k], e);
    }
    match constant(net, cx, e)?.as_dim() {
        Some(d) if d.value().is_none_or(|v| v >= 0) => Ok(Value::of_dim(d)),
        Some(d) => {
            let text = format!("the default of `{name}` must not be negative, but is {d}");
            Err(cx.error(e.span, text))
        }
        None => {
            let text = format!(
                "the default of `{name}` must be a size, not {e}\nnote: a size is an integer, a Rust constant, an earlier parameter, or arithmetic on these"
            );
            Err(cx.error(e.span, text))
        }
    }
}

/// The default in Rust; `None` if Rust has no such defaults. One with a mistake, which is reported, is 0.
fn in_rust(source: &ast::Network, k: usize, e: &Expr) -> Option<TokenStream> {
    let later = |n: &Ident| source.generics[k..].iter().any(|p| p.name == *n);
    let is_parameter = |n: &Ident| source.generics.iter().any(|p| p.name == *n);
    if source.generics[k].ty == ConstType::Float {
        return bits(source, k, e);
    }
    if let ExprKind::Name(n) = &e.kind {
        return Some(match later(n) {
            true => quote!(0),
            false if source.generics[k].ty == ConstType::Bool || is_parameter(n) => quote!({ #n }),
            // Any type of integers.
            false => quote!({ #n as usize }),
        });
    }
    if let ExprKind::Bool(b) = &e.kind {
        return Some(quote!(#b));
    }
    // Rust does not calculate with parameters there.
    let mut used = Vec::new();
    names(e, &mut used);
    if used
        .iter()
        .any(|n| source.generics.iter().any(|p| p.name == *n))
    {
        return None;
    }
    let value = value_in_rust(e).unwrap_or_else(|| quote!(0));
    Some(quote!({ #value }))
}

/// The bits of an `f64`, which Rust has no const parameters of.
fn bits(source: &ast::Network, k: usize, e: &Expr) -> Option<TokenStream> {
    let number = |v: f64| {
        let v = Literal::u64_unsuffixed(v.to_bits());
        quote!(#v)
    };
    Some(match &e.kind {
        ExprKind::Name(n) => match source.generics.iter().position(|p| p.name == *n) {
            Some(other) if other < k && source.generics[other].ty == ConstType::Float => {
                quote!({ #n })
            }
            Some(_) => return None,
            None => quote!({ f64::to_bits(#n) }),
        },
        ExprKind::Whole(v) => number(*v as f64),
        ExprKind::Number(v) => number(*v),
        ExprKind::Neg(x) => match &x.kind {
            ExprKind::Whole(v) => number(-(*v as f64)),
            ExprKind::Number(v) => number(-v),
            _ => return None,
        },
        ExprKind::Index(..) => {
            let value = value_in_rust(e)?;
            quote!({ f64::to_bits(#value) })
        }
        _ => return None,
    })
}

fn value_in_rust(e: &Expr) -> Option<TokenStream> {
    Some(match &e.kind {
        ExprKind::Name(n) => quote!(#n),
        ExprKind::Whole(v) => {
            let v = Literal::usize_unsuffixed(usize::try_from(*v).ok()?);
            quote!(#v)
        }
        ExprKind::Index(x, items) => match items.as_slice() {
            [ast::Item::At(k)] => {
                let (x, k) = (value_in_rust(x)?, value_in_rust(k)?);
                quote!(#x[#k])
            }
            _ => return None,
        },
        ExprKind::Binary(op, a, b) => {
            let (a, b) = (value_in_rust(a)?, value_in_rust(b)?);
            match op {
                Op::Add => quote!((#a + #b)),
                Op::Sub => quote!((#a - #b)),
                Op::Mul => quote!((#a * #b)),
                Op::Div => quote!({
                    ::core::assert!(#a % #b == 0, "a size must be an integer");
                    #a / #b
                }),
                _ => return None,
            }
        }
        ExprKind::Call(name, args) if name == "floor" => match args.as_slice() {
            [ast::Arg { value, .. }] => match &value.kind {
                ExprKind::Binary(Op::Div, a, b) => {
                    let (a, b) = (value_in_rust(a)?, value_in_rust(b)?);
                    quote!((#a / #b))
                }
                _ => return None,
            },
            _ => return None,
        },
        ExprKind::Call(name, args) if name == "pow" => match args.as_slice() {
            [a, b] => {
                let (a, b) = (value_in_rust(&a.value)?, value_in_rust(&b.value)?);
                quote!(usize::pow(#a, #b))
            }
            _ => return None,
        },
        _ => return None,
    })
}
