//! Types and dimensions as written.

use super::arithmetic::arithmetic;
use super::booleans::not_a_size;
use super::constant::constant;
use crate::ast::{self, Expr, ExprKind};
use crate::cx::Cx;
use crate::diag::{Reported, did_you_mean};
use crate::dim::Dim;
use crate::elem::Elem;
use crate::net::{Net, Type};
use crate::value::{Value, nearest};
use crate::word;

/// The name, if the dimension is only a name.
pub fn bare(d: &Dim) -> Option<String> {
    let names = d.names();
    match names.as_slice() {
        [name] if *d == Dim::named(name) => Some(name.clone()),
        _ => None,
    }
}

/// Whether a name is written as Rust's constants are.
pub fn is_constant(name: &str) -> bool {
    let plain = |c: char| c.is_uppercase() || c.is_ascii_digit() || c == '_';
    let name = word::last(name);
    name.starts_with(char::is_uppercase) && name.chars().all(plain)
}

/// The element type as written.
pub fn element(cx: &Cx, ty: &ast::Type) -> Reported<Elem> {
    Ok(match &ty.elem {
        None => Elem::Float,
        Some(name) => match name.to_string().as_str() {
            "u32" => Elem::U32,
            "i32" => Elem::I32,
            "i64" => Elem::I64,
            "bool" => Elem::Bool,
            other => {
                let mut dims: Vec<String> = ty.dims.iter().map(Expr::to_string).collect();
                if let Some(at) = ty.rest {
                    dims.insert(at, "..".to_owned());
                }
                let dims = dims.join(", ");
                let text = match other {
                    "f32" | "f64" | "float" => format!(
                        "write the shape of floats without `{other}`: `[{dims}]`\nnote: the device decides between f32 and f64"
                    ),
                    "usize" | "u64" | "int" | "u8" | "u16" | "i8" | "i16" | "isize" => format!(
                        "`{other}` is not an element type: integers are `u32`, `i32` or `i64`"
                    ),
                    _ => format!(
                        "`{other}` is not an element type\nnote: the types are `u32`, `i32`, `i64` and `bool`; floats are written `[{dims}]`"
                    ),
                };
                return Err(cx.error(name.span(), text));
            }
        },
    })
}

/// A type; with `known`, only these names may occur in it.
pub(super) fn resolve(
    net: &Net,
    cx: &mut Cx,
    ty: &ast::Type,
    known: Option<&[String]>,
) -> Reported<Type> {
    let elem = element(cx, ty)?;
    let shape = ty
        .dims
        .iter()
        .map(|e| dimension(net, cx, e, known))
        .collect::<Reported<_>>()?;
    let rest = ty.rest;
    Ok(Type { elem, shape, rest })
}

/// A dimension in a signature.
pub fn dimension(net: &Net, cx: &mut Cx, e: &Expr, known: Option<&[String]>) -> Reported<Dim> {
    match &e.kind {
        ExprKind::Whole(v @ 0..) => Ok(Dim::from(nearest(*v))),
        ExprKind::Whole(_) | ExprKind::Number(_) => {
            let text = format!("a dimension must be an integer of at least 0, not {e}");
            Err(cx.error(e.span, text))
        }
        ExprKind::Name(n) => {
            let name = n.to_string();
            if net.is_boolean(&name) {
                return Err(not_a_size(cx, n));
            }
            if let Some(value) = net.constant(&name) {
                return value.as_dim().ok_or_else(|| {
                    let text = format!("`{name}` is an `f64`, not a size");
                    cx.error(e.span, text)
                });
            }
            if !name.starts_with(char::is_uppercase) {
                let text = format!(
                    "a named dimension must begin with a capital: `{}`",
                    name.to_uppercase()
                );
                return Err(cx.error(e.span, text));
            }
            if let Some(known) = known
                && !known.contains(&name)
            {
                let hint = did_you_mean(&name, known.iter().map(String::as_str));
                let list: Vec<String> = known.iter().map(|k| format!("`{k}`")).collect();
                let list = match list.is_empty() {
                    true => "no dimension".to_owned(),
                    false => list.join(", "),
                };
                let text = format!(
                    "no argument introduces the dimension `{name}`\nnote: the arguments introduce {list}{hint}"
                );
                return Err(cx.error(e.span, text));
            }
            Ok(Dim::named(&name))
        }
        ExprKind::Binary(op, a, b) => {
            let (x, y) = (dimension(net, cx, a, known)?, dimension(net, cx, b, known)?);
            let (x, y) = (Value::Dim(x), Value::Dim(y));
            let v = arithmetic(cx, net, e.span, *op, (a, &x), (b, &y))?;
            v.as_dim()
                .ok_or_else(|| cx.error(e.span, "a size must be an integer"))
        }
        ExprKind::Index(..) | ExprKind::Field(..) if of_constants(net, e) => {
            let value = constant(net, cx, e)?;
            value
                .as_dim()
                .ok_or_else(|| cx.error(e.span, "a size must be an integer"))
        }
        ExprKind::Call(name, args) if name == "pow" => match args.as_slice() {
            [ast::Arg { value: base, .. }, ast::Arg { value: by, .. }] => {
                let base = dimension(net, cx, base, known)?;
                match dimension(net, cx, by, known)?.value() {
                    Some(times @ 0..=64) => Ok(base.power(times)),
                    Some(_) => {
                        Err(cx.error(by.span, "the exponent of a size must be from 0 to 64"))
                    }
                    None => {
                        let text = format!(
                            "the macro does not know the value of `{by}`, the exponent of a size\nhelp: write a number from 0 to 64, or a constant that this crate declares"
                        );
                        Err(cx.error(by.span, text))
                    }
                }
            }
            _ => Err(cx.error(e.span, "`pow` takes a size and a number: `pow(R, 2)`")),
        },
        ExprKind::Call(name, args) if name == "floor" => {
            let (a, b) = quotient(cx, e.span, args)?;
            let (x, y) = (dimension(net, cx, a, known)?, dimension(net, cx, b, known)?);
            Ok(x.div_floor(&y))
        }
        _ => {
            let text = format!(
                "`{e}` is not a dimension\nnote: a dimension is a number, a name, or arithmetic on these\nnote: a dimension may be a quotient that is rounded down: `floor(T / 2)`"
            );
            Err(cx.error(e.span, text))
        }
    }
}

/// Whether an expression is an element of a list, or of a constant that is an array.
fn of_constants(net: &Net, e: &Expr) -> bool {
    match &e.kind {
        ExprKind::Index(x, _) | ExprKind::Field(x, _) => of_constants(net, x),
        ExprKind::Name(n) => net.is_array(&n.to_string()),
        ExprKind::List(_) | ExprKind::Tuple(_) => true,
        _ => false,
    }
}

/// Numerator and denominator of `floor(p / n)`.
pub(super) fn quotient<'a>(
    cx: &Cx,
    span: proc_macro2::Span,
    args: &'a [ast::Arg],
) -> Reported<(&'a Expr, &'a Expr)> {
    if let [ast::Arg { name: None, value }] = args
        && let ExprKind::Binary(ast::Op::Div, a, b) = &value.kind
        && !matches!(b.kind, ExprKind::Whole(0) | ExprKind::Number(0.0))
    {
        return Ok((a, b));
    }
    let text = "`floor` in a size takes a quotient: `floor(T / 2)`";
    Err(cx.error(span, text))
}
