//! Fields: layers, parameters, buffers, arrays and networks, with their parameters laid out.

use super::block::{block, block_text};
use super::collect::is_float;
use super::condition::holds;
use super::constant::{constant, given};
use super::init;
use super::position;
use crate::ast::{self, Expr};
use crate::cx::Cx;
use crate::diag::{Diag, Reported, did_you_mean};
use crate::dim::{Dim, Shape};
use crate::elem::Elem;
use crate::foreign;
use crate::layers::{self, Init};
use crate::net::{Field, FieldKind, Net, Param};
use crate::unit::Unit;
use proc_macro2::{Ident, Span};
use syn::ext::IdentExt;

/// The place of a field in the network.
struct Place {
    /// The name of its parameters in files, with `{}` for the place in an array around it.
    prefix: String,
    /// Its name for messages.
    path: String,
    /// The dimensions of the arrays around it.
    stack: Vec<Dim>,
    /// It belongs to a group.
    within: bool,
}

/// Declares a field, and the layers of a group before it.
pub(super) fn declare(net: &mut Net, unit: &Unit, field: &ast::Field, diag: &Diag) {
    let path = match &field.path {
        Some(path) => path.value(),
        None => field.name.unraw().to_string(),
    };
    let place = Place {
        path: path.replace("{}", ""),
        prefix: path,
        stack: Vec::new(),
        within: false,
    };
    let source = field;
    if let Some(condition) = &field.when
        && is_absent(net, condition, diag)
    {
        net.fields.push(absent(net, field, place, condition));
        return;
    }
    let mut field = declare_at(net, unit, field, place, diag);
    if let Some(condition) = &source.when {
        field.decl += &format!(" (when {condition})");
    }
    let grouped = matches!(field.kind, FieldKind::Group { .. });
    if let Some(path) = &source.path
        && places(&field.prefix) > field.stack.len() + usize::from(grouped)
    {
        let text = "each `{}` in a name stands for the number of an element, so it needs an array";
        diag.error(path.span(), text);
    }
    net.fields.push(field);
}

/// Whether the condition of a field does not hold. While it is undecided, the field is there.
fn is_absent(net: &mut Net, e: &Expr, diag: &Diag) -> bool {
    let mut cx = Cx::new(diag, false);
    let answer = holds(net, &mut cx, e, None);
    for r in cx.require {
        if !net.require.contains(&r) {
            net.require.push(r);
        }
    }
    answer == Ok(false)
}

/// A field that this variant of the network does not have.
fn absent(net: &Net, field: &ast::Field, place: Place, condition: &Expr) -> Field {
    let first = net.params.len();
    Field {
        name: field.name.clone(),
        decl: format!("{}: #[when({condition})]", place.path),
        path: place.path,
        prefix: place.prefix,
        within: false,
        kind: FieldKind::Absent(condition.to_string()),
        stack: Vec::new(),
        params: first..first,
        recompute: false,
    }
}

/// The number of places for elements of arrays in a name.
fn places(name: &str) -> usize {
    name.matches("{}").count()
}

/// The layers of a group, as fields of their own. Returns their numbers and their declarations.
fn group(
    net: &mut Net,
    unit: &Unit,
    (field, chain, items): (&ast::Field, bool, &[ast::GroupItem]),
    around: &Field,
    diag: &Diag,
) -> (Vec<usize>, Vec<String>) {
    let (mut numbers, mut decls) = (Vec::new(), Vec::new());
    for (k, item) in items.iter().enumerate() {
        let part = item
            .name
            .as_ref()
            .map_or_else(|| k.to_string(), |n| n.unraw().to_string());
        let place = Place {
            prefix: match places(&around.prefix) > around.stack.len() {
                true => around.prefix.replacen("{}", &part, 1),
                false => format!("{}.{part}", around.prefix),
            },
            path: format!("{}.{part}", around.path),
            stack: around.stack.clone(),
            within: true,
        };
        let member = ast::Field {
            attrs: Vec::new(),
            name: Ident::new(&format!("__{}_{k}", field.name.unraw()), item.span),
            path: None,
            kind: item.kind.clone(),
            frozen: field.frozen,
            // A chain is computed again as a whole, the layers of a list each.
            recompute: field.recompute.filter(|_| !chain),
            when: None,
        };
        let member = declare_at(net, unit, &member, place, diag);
        let kind = member.decl.split_once(": ").map_or("", |d| d.1).to_owned();
        decls.push(match &item.name {
            Some(name) => format!("{name} = {kind}"),
            None => kind,
        });
        numbers.push(net.fields.len());
        net.fields.push(member);
    }
    (numbers, decls)
}

fn declare_at(net: &mut Net, unit: &Unit, field: &ast::Field, place: Place, diag: &Diag) -> Field {
    let first = net.params.len();
    let mut cx = Cx::new(diag, false);
    let mut out = Field {
        name: field.name.clone(),
        path: place.path.clone(),
        prefix: place.prefix.clone(),
        within: place.within,
        decl: String::new(),
        kind: FieldKind::ErrorReported,
        stack: place.stack.clone(),
        params: first..first,
        recompute: field.recompute.is_some(),
    };
    let outer = place.stack.len();
    // The number that this field will have: those of a group's layers come first.
    let index = net.fields.len();
    let own = out.path.clone();
    let mut kind = &field.kind;
    let list;
    while let ast::FieldKind::Array { element, count } = kind {
        let Ok(size) = array_size(net, &mut cx, count) else {
            return out;
        };
        if position::mentions(element) {
            let Some(count) = size.value() else {
                let text = format!(
                    "the layers of `{}` depend on their index `i`, so the macro must know the length {size}",
                    field.name
                );
                cx.error(count.span, text);
                return out;
            };
            list = position::list(element, count, field.name.span());
            kind = &list;
            break;
        }
        out.stack.push(size);
        // `#[name]` may say where the number of an element stands.
        if places(&out.prefix) < out.stack.len() {
            out.prefix.push_str(".{}");
        }
        kind = element;
    }
    match kind {
        ast::FieldKind::ErrorReported | ast::FieldKind::Array { .. } => {}
        ast::FieldKind::Group { chain, items } => {
            let (open, close) = array_text(&out.stack[outer..]);
            let names = items.iter().filter_map(|i| i.name.as_ref());
            super::unique(diag, "layer", names);
            let (numbers, decls) = group(net, unit, (field, *chain, items), &out, diag);
            let list = decls.join(", ");
            out.decl = match chain {
                true => format!("{own}: {open}Sequential({list}){close}"),
                false => format!("{own}: {open}[{list}]{close}"),
            };
            let broken = |i: &usize| matches!(net.fields[*i].kind, FieldKind::ErrorReported);
            if numbers.iter().any(broken) {
                return out;
            }
            out.kind = FieldKind::Group {
                chain: *chain,
                items: numbers,
            };
        }
        ast::FieldKind::Layer { layer, args } => {
            let (open, close) = array_text(&out.stack[outer..]);
            let args_text = ast::show_args(args);
            out.decl = format!("{own}: {open}{layer}({args_text}){close}");
            let (args, inits) = init::of_layer(args);
            let name = layer.to_string();
            let float = |a: &ast::Arg| is_float(&name, &args, a);
            let Ok(given) = given(net, &mut cx, &args, &float) else {
                return out;
            };
            cx.by = format!("`{name}` `{own}`");
            let Some(declared) = layers::declare(&mut cx, &name, layer.span(), given) else {
                let near = || did_you_mean(&name, layers::names().chain(["Param"]));
                let hint = foreign::help(&name).unwrap_or_else(near);
                let mut text = format!("there is no layer `{name}`{hint}");
                if hint.is_empty() {
                    text += &format!(
                        "\nhelp: to use a network named `{name}`, write `{name}`, or `{name}<128>` with its sizes"
                    );
                } else if args.is_empty() {
                    text += &format!("\nhelp: to use a network named `{name}`, write `{name}<>`");
                }
                diag.error(layer.span(), text);
                return out;
            };
            let Ok(layer) = declared else { return out };
            let mut params = layer.params();
            if init::replace(net, &mut cx, &inits, &mut params).is_err() {
                return out;
            }
            for p in params {
                let stack = [out.stack.clone(), p.stack].concat();
                net.params.push(Param {
                    name: format!("{}.{}", out.prefix, p.name),
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
            let (open, close) = array_text(&out.stack[outer..]);
            let text = block_text(path, args);
            out.decl = format!("{own}: {open}{text}{close}");
            let Ok(instance) = block(net, unit, &mut cx, path, args) else {
                return out;
            };
            for p in &instance.net.params {
                let together = |a: &[Dim], b: &[Dim]| -> Shape { [a, b].concat() };
                net.params.push(Param {
                    name: format!("{}.{}", out.prefix, p.name),
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
                "an array cannot hold {0}s\nhelp: add the dimension to the {0}: `{1}: {2}[{3}]`",
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
            out.decl = format!("{own}: {class}{of}{}", crate::dim::show_shape(&shape));
            if let Some(span) = field.recompute {
                let text = format!(
                    "`#[recompute]` cannot be used on the {what} `{}`\n{}\nhelp: `#[recompute]` belongs before a field that is a layer or another network",
                    field.name, out.decl
                );
                diag.error(span, text);
            }
            if buffer && field.frozen {
                let text = format!(
                    "`#[frozen]` cannot be used on the buffer `{}`\n{}\nnote: optimizers never change buffers\nhelp: remove `#[frozen]`",
                    field.name, out.decl
                );
                diag.error(field.name.span(), text);
            }
            let Ok(init) = init::init(net, &mut cx, elem, init.as_ref(), &shape) else {
                return out;
            };
            let start = match init {
                Init::Constant(value) => Some(value),
                _ => None,
            };
            let mistake = match elem {
                _ if !buffer => None,
                Elem::Float if start.is_none() && !matches!(init, Init::Formula(_)) => {
                    Some("a buffer must start as `zeros`, `ones` or a number")
                }
                Elem::Float => None,
                Elem::Bool if start.is_none_or(|v| v != 0.0 && v != 1.0) => {
                    Some("a buffer of booleans must start as `false` or `true`")
                }
                Elem::Bool => None,
                _ if start.is_none_or(|v| v.fract() != 0.0 || v.abs() > EXACT) => {
                    Some("a buffer of integers must start as `zeros`, `ones` or an integer")
                }
                _ => None,
            };
            if let Some(text) = mistake {
                let span = init_span(kind).unwrap_or_else(|| field.name.span());
                diag.error(span, text);
                return out;
            }
            net.params.push(Param {
                name: place.prefix.clone(),
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
        "f32" => "remove `<f32>`: the device chooses the float type",
        "f64" => "remove `<f64>`: the device chooses the float type",
        "u8" | "u16" | "u32" | "u64" | "usize" | "i8" | "i16" | "i32" | "isize" | "int" => {
            "for integers, declare `Buffer<i64>`"
        }
        _ => "declare floats, `Buffer<i64>` or `Buffer<bool>`",
    };
    let text = format!("a buffer cannot hold `{name}`\nhelp: {help}");
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
            format!("the length of an array must be an integer of at least 1, not {count}"),
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
                let text =
                    format!("a size of a parameter must be an integer of at least 1, not {e}");
                return Err(cx.error(e.span, text));
            }
        }
    }
    Ok(out)
}
