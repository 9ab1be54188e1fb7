//! Fields: layers, parameters, buffers, arrays and networks, with their parameters laid out.

use super::block::{block, block_text};
use super::constant::{constant, given};
use crate::ast::{self, Expr, ExprKind};
use crate::cx::Cx;
use crate::diag::{Diag, Reported, did_you_mean};
use crate::dim::{Dim, Shape};
use crate::elem::Elem;
use crate::foreign;
use crate::layers::{self, Init};
use crate::net::{Field, FieldKind, Net, Param};
use crate::real::Real;
use crate::unit::Unit;
use proc_macro2::Span;
use syn::ext::IdentExt;

pub(super) fn declare(net: &mut Net, unit: &Unit, field: &ast::Field, diag: &Diag) -> Field {
    let first = net.params.len();
    let index = net.fields.len();
    let mut cx = Cx::new(diag, false);
    let mut out = Field {
        name: field.name.clone(),
        decl: String::new(),
        kind: FieldKind::ErrorReported,
        stack: Vec::new(),
        params: first..first,
        recompute: field.recompute.is_some(),
    };
    let mut kind = &field.kind;
    while let ast::FieldKind::Array { element, count } = kind {
        let Ok(size) = array_size(net, &mut cx, count) else {
            return out;
        };
        out.stack.push(size);
        kind = element;
    }
    match kind {
        ast::FieldKind::ErrorReported | ast::FieldKind::Array { .. } => {}
        ast::FieldKind::Layer { layer, args } => {
            let (open, close) = array_text(&out.stack);
            let args_text = ast::show_args(args);
            out.decl = format!("{}: {open}{layer}({args_text}){close}", field.name);
            let Ok(given) = given(net, &mut cx, args) else {
                return out;
            };
            let name = layer.to_string();
            cx.by = format!("`{name}` `{}`", field.name);
            let Some(declared) = layers::declare(&mut cx, &name, layer.span(), given) else {
                let near = || did_you_mean(&name, layers::names().chain(["Param"]));
                let hint = foreign::help(&name).unwrap_or_else(near);
                let mut text = format!("there is no layer `{name}`{hint}");
                if hint.is_empty() {
                    text += &format!(
                        "\nhelp: a network of your own has no parentheses: `{name}`, or `{name}<128>` with its sizes"
                    );
                } else if args.is_empty() {
                    text += &format!("\nhelp: a network of your own is written `{name}<>`");
                }
                diag.error(layer.span(), text);
                return out;
            };
            let Ok(layer) = declared else { return out };
            for p in layer.params() {
                let places = ".{}".repeat(out.stack.len());
                let stack = [out.stack.clone(), p.stack].concat();
                net.params.push(Param {
                    name: format!("{}{places}.{}", field.name.unraw(), p.name),
                    shape: [stack.clone(), p.shape].concat(),
                    stack,
                    init: p.init,
                    frozen: field.frozen || p.buffer,
                    buffer: p.buffer,
                    elem: p.elem,
                    optional: p.optional,
                    field: index,
                    shared: None,
                });
            }
            out.kind = FieldKind::Layer(layer);
        }
        ast::FieldKind::Block { path, args } => {
            let (open, close) = array_text(&out.stack);
            let text = block_text(path, args);
            out.decl = format!("{}: {open}{text}{close}", field.name);
            let Ok(instance) = block(net, unit, &mut cx, path, args) else {
                return out;
            };
            let places = ".{}".repeat(out.stack.len());
            for p in &instance.net.params {
                let together = |a: &[Dim], b: &[Dim]| -> Shape { [a, b].concat() };
                net.params.push(Param {
                    name: format!("{}{places}.{}", field.name.unraw(), p.name),
                    shape: together(&out.stack, &p.shape),
                    stack: together(&out.stack, &p.stack),
                    init: p.init.clone(),
                    frozen: field.frozen || p.frozen,
                    buffer: p.buffer,
                    elem: p.elem,
                    optional: p.optional,
                    field: index,
                    shared: p.shared.map(|other| first + other),
                });
            }
            cx.require.extend(instance.net.require.iter().cloned());
            out.kind = FieldKind::Block(Box::new(instance));
        }
        ast::FieldKind::Param { shape, .. } | ast::FieldKind::Buffer { shape, .. }
            if !out.stack.is_empty() =>
        {
            let what = match kind {
                ast::FieldKind::Buffer { .. } => ("buffer", "Buffer"),
                _ => ("parameter", "Param"),
            };
            let shape: Vec<String> = shape.iter().map(Expr::to_string).collect();
            let sizes: Vec<String> = out.stack.iter().map(Dim::to_string).collect();
            let text = format!(
                "an array holds layers\nhelp: a {} has the array's dimensions itself: `{}: {}[{}]`",
                what.0,
                field.name,
                what.1,
                [sizes, shape].concat().join(", ")
            );
            diag.error(field.name.span(), text);
            return out;
        }
        ast::FieldKind::Param { shape, init } | ast::FieldKind::Buffer { shape, init, .. } => {
            let buffer = matches!(kind, ast::FieldKind::Buffer { .. });
            let (what, class) = match buffer {
                true => ("buffer", "Buffer"),
                false => ("parameter", "Param"),
            };
            let Ok(elem) = buffer_elem(&mut cx, kind) else {
                return out;
            };
            let Ok(shape) = param_shape(net, &mut cx, shape) else {
                return out;
            };
            let of = match elem {
                Elem::Float => String::new(),
                elem => format!("<{}>", elem.prefix()),
            };
            out.decl = format!(
                "{}: {class}{of}{}",
                field.name,
                crate::dim::show_shape(&shape)
            );
            if let Some(span) = field.recompute {
                let text = format!(
                    "`{}` is a {what}: nothing of it is computed\n{}\nhelp: `#[recompute]` stands before a layer or a network",
                    field.name, out.decl
                );
                diag.error(span, text);
            }
            if buffer && field.frozen {
                let text = format!(
                    "`{}` is a buffer: no optimizer changes it\n{}\nhelp: leave out `#[frozen]`",
                    field.name, out.decl
                );
                diag.error(field.name.span(), text);
            }
            let Ok(init) = param_init(net, &mut cx, elem, init.as_ref()) else {
                return out;
            };
            let start = match init {
                Init::Constant(value) => Some(value),
                _ => None,
            };
            let mistake = match elem {
                _ if !buffer => None,
                Elem::Float if start.is_none() && !matches!(init, Init::Formula(_)) => {
                    Some("a buffer starts as `zeros`, `ones` or a number")
                }
                Elem::Float => None,
                Elem::Bool if start.is_none_or(|v| v != 0.0 && v != 1.0) => {
                    Some("a buffer of booleans starts as `false` or `true`")
                }
                Elem::Bool => None,
                _ if start.is_none_or(|v| v.fract() != 0.0 || v.abs() > EXACT) => {
                    Some("a buffer of integers starts as `zeros`, `ones` or an integer")
                }
                _ => None,
            };
            if let Some(text) = mistake {
                let span = init_span(kind).unwrap_or_else(|| field.name.span());
                diag.error(span, text);
                return out;
            }
            net.params.push(Param {
                name: field.name.unraw().to_string(),
                shape,
                stack: Vec::new(),
                init,
                frozen: field.frozen || buffer,
                buffer,
                elem,
                optional: false,
                field: index,
                shared: None,
            });
            out.kind = match buffer {
                true => FieldKind::Buffer,
                false => FieldKind::Param,
            };
        }
    }
    out.params = first..net.params.len();
    for r in cx.require {
        if !net.require.contains(&r) {
            net.require.push(r);
        }
    }
    out
}

/// Integers up to this are exact as `f64`.
const EXACT: f64 = 9_007_199_254_740_992.0;

/// The type of a buffer's elements; floats for a parameter.
pub(super) fn buffer_elem(cx: &mut Cx, kind: &ast::FieldKind) -> Reported<Elem> {
    let ast::FieldKind::Buffer {
        elem: Some(name), ..
    } = kind
    else {
        return Ok(Elem::Float);
    };
    let help = match name.to_string().as_str() {
        "i64" => return Ok(Elem::I64),
        "bool" => return Ok(Elem::Bool),
        "f32" | "f64" => "leave it out: floats are the device's",
        "u8" | "u16" | "u32" | "u64" | "usize" | "i8" | "i16" | "i32" | "isize" | "int" => {
            "a buffer of integers is `Buffer<i64>`"
        }
        _ => "`i64` and `bool` are the types of a buffer beside the device's float",
    };
    let text = format!("`{name}` is no type of a buffer's elements\nhelp: {help}");
    Err(cx.error(name.span(), text))
}

/// The span of a field's initial value.
pub(super) fn init_span(kind: &ast::FieldKind) -> Option<Span> {
    match kind {
        ast::FieldKind::Buffer { init, .. } => init.as_ref().map(|e| e.span),
        _ => None,
    }
}

/// The number of an array's elements.
pub(super) fn array_size(net: &Net, cx: &mut Cx, count: &Expr) -> Reported<Dim> {
    match constant(net, cx, count)?.as_dim() {
        Some(d) if d.value().is_none_or(|v| v >= 1) => Ok(d),
        _ => Err(cx.error(
            count.span,
            "an array has a whole number of elements, at least 1",
        )),
    }
}

/// The text before and after an array's element; the outermost dimension is last.
pub(super) fn array_text(stack: &[Dim]) -> (String, String) {
    let close: Vec<String> = stack.iter().rev().map(|d| format!("; {d}]")).collect();
    ("[".repeat(stack.len()), close.concat())
}

pub(super) fn param_shape(net: &Net, cx: &mut Cx, shape: &[Expr]) -> Reported<Shape> {
    let mut out = Vec::new();
    for e in shape {
        match constant(net, cx, e)?.as_dim() {
            Some(d) if d.value().is_none_or(|v| v >= 1) => out.push(d),
            _ => {
                return Err(cx.error(
                    e.span,
                    "a parameter's sizes are whole numbers of at least 1",
                ));
            }
        }
    }
    Ok(out)
}

/// `zeros`, `ones`, a number, `uniform(bound)`, `normal(std)`; `zeros` if not given.
pub(super) fn param_init(
    net: &Net,
    cx: &mut Cx,
    elem: Elem,
    init: Option<&Expr>,
) -> Reported<Init> {
    let Some(e) = init else {
        return Ok(Init::Constant(0.0));
    };
    match &e.kind {
        ExprKind::Whole(v) => return Ok(Init::Constant(*v as f64)),
        ExprKind::Bool(v) if elem == Elem::Bool => {
            return Ok(Init::Constant(f64::from(u8::from(*v))));
        }
        ExprKind::Number(v) => return Ok(Init::Constant(*v)),
        ExprKind::Name(n) if n == "zeros" => return Ok(Init::Constant(0.0)),
        ExprKind::Name(n) if n == "ones" => return Ok(Init::Constant(1.0)),
        ExprKind::Call(n, args) if args.len() == 1 => {
            if let Some(v) = constant(net, cx, &args[0].value)?.real() {
                match n.to_string().as_str() {
                    "uniform" => return Ok(Init::Uniform(v)),
                    "normal" => return Ok(Init::Normal(v)),
                    _ => {}
                }
            }
        }
        ExprKind::Name(_) | ExprKind::Neg(_) | ExprKind::Binary(..) if elem == Elem::Float => {
            match constant(net, cx, e)?.real() {
                Some(Real::Known(v)) => return Ok(Init::Constant(v)),
                Some(formula) => return Ok(Init::Formula(formula)),
                None => {}
            }
        }
        _ => {}
    }
    Err(cx.error(
        e.span,
        "a parameter starts as `zeros`, `ones`, a number, `uniform(bound)` or `normal(std)`",
    ))
}
