//! Resolves declarations: layers, parameters, Rust constants, signatures.
//!
//! In: the syntax tree. After: every field is a layer, a parameter or a told mistake; every name in
//! a signature is a size that is known when the function is called.

use crate::args::Given;
use crate::ast::{self, Expr, ExprKind};
use crate::cx::Cx;
use crate::diag::{Diag, Poison, Told, did_you_mean};
use crate::dim::{Atom, Dim, Shape};
use crate::layers::{self, Init};
use crate::net::{
    Arg, Custom, Elem, Field, FieldKind, Generic, Held, Instance, Net, Param, Signature, Type,
};
use crate::shared;
use crate::unit::Unit;
use crate::value::Value;
use proc_macro2::{Ident, Span};
use quote::quote;
use syn::ext::IdentExt;

/// Names of generated methods, which fields and functions must leave free.
const RESERVED: &[&str] = &[
    "new",
    "save",
    "load",
    "graph",
    "core",
    "core_mut",
    "parameters",
    "parameter",
    "set_parameter",
    "gradient",
    "zero_grad",
    "clip_grad_norm",
    "clip_grad_value",
    "device",
];

/// Endings of the methods that a function's name gives rise to.
fn generated(f: &ast::Function) -> &'static [&'static str] {
    let scalar =
        !f.tuple && f.ret.len() == 1 && f.ret[0].elem.is_none() && f.ret[0].dims.is_empty();
    if scalar {
        &[
            "_backward",
            "_accumulate",
            "_step",
            "_draw",
            "_memory",
            "_backward_memory",
            "_draw_memory",
        ]
    } else {
        &["_vjp", "_memory", "_vjp_memory"]
    }
}

/// Checks the declarations of a network.
pub fn check(unit: &Unit, diag: &Diag) -> Net {
    let own = |p: &ast::ConstParam| Dim::atom(Atom::Const(p.name.to_string()));
    let values = unit.source.generics.iter().map(own).collect();
    instance(unit, values, "", diag)
}

/// The same with values for its const parameters; its Rust constants begin with `prefix`.
fn instance(unit: &Unit, values: Vec<Dim>, prefix: &str, diag: &Diag) -> Net {
    let source = &unit.source;
    let mut net = Net {
        krate: quote!(::netform),
        device: device(source),
        prefix: prefix.to_owned(),
        generics: generics(source, values, diag),
        held: Vec::new(),
        customs: Vec::new(),
        weights: None,
        name: source.name.clone(),
        attrs: source.attrs.clone(),
        vis: source.vis.clone(),
        fields: Vec::new(),
        params: Vec::new(),
        consts: Vec::new(),
        require: Vec::new(),
        signatures: Vec::new(),
    };
    collect_consts(source, &mut net);
    conditions(source, &mut net, diag);
    unique(diag, "size", source.generics.iter().map(|p| &p.name));
    unique(diag, "field", source.fields.iter().map(|f| &f.name));
    unique(diag, "function", source.functions.iter().map(|f| &f.name));
    for f in &source.functions {
        if source.fields.iter().any(|x| x.name == f.name) {
            diag.error(
                f.name.span(),
                format!(
                    "`{}` is a field already: a function needs another name",
                    f.name
                ),
            );
        }
        reserved(diag, &f.name);
        for suffix in generated(f) {
            let derived = format!("{}{suffix}", f.name);
            if let Some(other) = source.functions.iter().find(|g| g.name == derived) {
                let text = format!(
                    "`{derived}` is generated for `{}`: choose another name",
                    f.name
                );
                diag.error(other.name.span(), text);
            }
        }
    }
    if net.name == "D" {
        diag.error(
            net.name.span(),
            "`D` is the name of a network's device: choose another name",
        );
    }
    for field in &source.fields {
        let field = declare(&mut net, unit, field, diag);
        net.fields.push(field);
    }
    for s in &source.shared {
        let _ = shared::share(&mut net, s, diag);
    }
    for f in &source.functions {
        let mut signature = signature(&net, f, diag);
        let taken = |g: &ast::Function| {
            generated(g)
                .iter()
                .any(|s| f.name == format!("{}{s}", g.name))
        };
        signature.poisoned |= source.functions.iter().any(taken);
        if let (Some(functions), false) = (&f.custom, signature.poisoned) {
            let custom = custom(f, functions, &mut signature, diag);
            net.customs.push(custom);
        }
        net.signatures.push(signature);
    }
    net
}

fn reserved(diag: &Diag, name: &Ident) {
    if RESERVED.iter().any(|r| name == r) {
        let text = format!("`{name}` is a method that every network has: choose another name");
        diag.error(name.span(), text);
    }
}

fn unique<'a>(diag: &Diag, what: &str, names: impl Iterator<Item = &'a Ident>) {
    let mut seen: Vec<&Ident> = Vec::new();
    for name in names {
        if seen.contains(&name) {
            diag.error(name.span(), format!("there is a {what} `{name}` already"));
        }
        seen.push(name);
    }
}

/// The name of the device's type parameter: one that no const parameter has.
fn device(source: &ast::Network) -> Ident {
    let taken = |name: &&str| source.generics.iter().any(|p| p.name == name);
    let name = ["D", "Dev"].into_iter().find(|n| !taken(n));
    Ident::new(name.unwrap_or("__Device"), Span::mixed_site())
}

fn generics(source: &ast::Network, values: Vec<Dim>, diag: &Diag) -> Vec<Generic> {
    let mut optional = false;
    let mut out = Vec::new();
    for (p, value) in source.generics.iter().zip(values) {
        if out.iter().any(|g: &Generic| g.name == p.name) {
            continue; // told as a name given twice
        }
        if optional && p.default.is_none() {
            let text = format!(
                "`{}` has no default, but one before it has\nhelp: sizes with defaults stand last",
                p.name
            );
            diag.error(p.name.span(), text);
            out.iter_mut().for_each(|g| g.default = None);
        }
        optional |= p.default.is_some();
        if let Some(e) = &p.default
            && !matches!(e.kind, ExprKind::Number(_, true) | ExprKind::Name(_))
        {
            diag.error(e.span, "a default is a whole number or a Rust constant");
        }
        out.push(Generic {
            name: p.name.clone(),
            default: p.default.as_ref().map(|e| match &e.kind {
                ExprKind::Name(n) => quote!({ #n }),
                _ => e.to_string().parse().unwrap_or_default(),
            }),
            value,
        });
    }
    out
}

/// What the `where` clause states.
fn conditions(source: &ast::Network, net: &mut Net, diag: &Diag) {
    let mut cx = Cx::new(diag, false);
    for e in &source.conditions {
        let _ = condition(net, &mut cx, e);
    }
    net.require.extend(cx.require);
}

fn condition(net: &Net, cx: &mut Cx, e: &Expr) -> Told<()> {
    let why = format!("`{e}` does not hold");
    let zero = |e: &Expr| matches!(e.kind, ExprKind::Number(v, true) if v == 0.0);
    let mut size = |e: &Expr| match constant(net, cx, e)?.as_dim() {
        Some(d) => Ok(d),
        None => Err(cx.error(e.span, "a condition is about whole sizes")),
    };
    match &e.kind {
        ExprKind::Binary(ast::Op::Eq, left, right) if zero(right) => {
            if let ExprKind::Binary(ast::Op::Rem, a, b) = &left.kind {
                let (a, b) = (size(a)?, size(b)?);
                return cx.divides(&a, &b, e.span, &why).map(|_| ());
            }
        }
        ExprKind::Binary(op, a, b) if !is_remainder(a) && !is_remainder(b) => {
            let one = Dim::one();
            let order = |cx: &mut Cx, a: &Dim, b: &Dim| cx.at_least(a, b, e.span, &why);
            let (a, b) = (size(a)?, size(b)?);
            match op {
                ast::Op::Ge => return order(cx, &a, &b),
                ast::Op::Le => return order(cx, &b, &a),
                ast::Op::Gt => return order(cx, &a, &b.add(&one)),
                ast::Op::Lt => return order(cx, &b, &a.add(&one)),
                ast::Op::Eq => return order(cx, &a, &b).and_then(|()| order(cx, &b, &a)),
                _ => {}
            }
        }
        _ => {}
    }
    Err(cx.error(
        e.span,
        "a condition is that one size divides another, `D % HEADS == 0`, or compares two: `D >= 8`",
    ))
}

fn is_remainder(e: &Expr) -> bool {
    matches!(e.kind, ExprKind::Binary(ast::Op::Rem, ..))
}

/// Capitalised names in layer arguments and parameter shapes are Rust constants.
fn collect_consts(source: &ast::Network, net: &mut Net) {
    let mut found = Vec::new();
    let defaults = source.generics.iter().filter_map(|p| p.default.as_ref());
    defaults
        .chain(&source.conditions)
        .for_each(|e| names(e, &mut found));
    for field in &source.fields {
        names_of_kind(&field.kind, &mut found);
    }
    for name in found {
        let text = name.to_string();
        if text.starts_with(char::is_uppercase)
            && text != "None"
            && !net.generics.iter().any(|g| g.name == text)
            && !net.consts.iter().any(|(n, _)| *n == text)
        {
            net.consts.push((text, name.span()));
        }
    }
}

fn names_of_kind(kind: &ast::FieldKind, out: &mut Vec<Ident>) {
    match kind {
        ast::FieldKind::Layer { args, .. } => args.iter().for_each(|a| names(&a.value, out)),
        ast::FieldKind::Param { shape, .. } => shape.iter().for_each(|e| names(e, out)),
        ast::FieldKind::Block { args, .. } => args.iter().for_each(|e| names(e, out)),
        ast::FieldKind::Array { element, count } => {
            names_of_kind(element, out);
            names(count, out);
        }
        ast::FieldKind::Poison => {}
    }
}

fn names(e: &Expr, out: &mut Vec<Ident>) {
    match &e.kind {
        ExprKind::Name(n) => out.push(n.clone()),
        ExprKind::Arrow(a, b) | ExprKind::Binary(_, a, b) => {
            names(a, out);
            names(b, out);
        }
        ExprKind::Neg(a) => names(a, out),
        ExprKind::Tuple(items) | ExprKind::List(items) => items.iter().for_each(|e| names(e, out)),
        _ => {}
    }
}

/// The value of an expression in a declaration: numbers, constants, arithmetic.
fn constant(net: &Net, cx: &mut Cx, e: &Expr) -> Told<Value> {
    Ok(match &e.kind {
        ExprKind::Number(v, int) => Value::Number(*v, *int),
        ExprKind::Str(s) => Value::Str(s.clone()),
        ExprKind::Bool(b) => Value::Bool(*b),
        ExprKind::Name(n) if n == "None" => Value::Null,
        ExprKind::Name(n) => {
            let name = n.to_string();
            let Some(d) = net.constant(&name) else {
                let text = format!(
                    "`{name}` is no size\nhelp: sizes are numbers or Rust constants, whose names are capitals: `{}`",
                    name.to_uppercase()
                );
                return Err(cx.error(e.span, text));
            };
            d.value()
                .map_or(Value::Dim(d), |v| Value::Number(v as f64, true))
        }
        ExprKind::Arrow(a, b) => Value::Arrow(
            Box::new(constant(net, cx, a)?),
            Box::new(constant(net, cx, b)?),
        ),
        ExprKind::List(items) | ExprKind::Tuple(items) => Value::List(
            items
                .iter()
                .map(|i| constant(net, cx, i))
                .collect::<Told<_>>()?,
        ),
        ExprKind::Binary(op, a, b) => {
            let (x, y) = (constant(net, cx, a)?, constant(net, cx, b)?);
            return arithmetic(cx, e.span, *op, &x, &y);
        }
        ExprKind::Neg(a) => {
            let x = constant(net, cx, a)?;
            return arithmetic(cx, e.span, ast::Op::Sub, &Value::Number(0.0, true), &x);
        }
        _ => {
            return Err(cx.error(
                e.span,
                "a declaration takes numbers, strings, `true`, `false` and Rust constants",
            ));
        }
    })
}

/// Arithmetic on sizes and numbers.
pub fn arithmetic(cx: &mut Cx, span: Span, op: ast::Op, x: &Value, y: &Value) -> Told<Value> {
    if let (Some(a), Some(b)) = (x.as_dim(), y.as_dim()) {
        let d = match op {
            ast::Op::Add => a.add(&b),
            ast::Op::Sub => a.sub(&b),
            ast::Op::Mul => a.mul(&b),
            ast::Op::Div => cx.divides(&a, &b, span, "a size must be whole")?,
            _ => {
                return Err(cx.error(
                    span,
                    format!("sizes are not compared with `{}` here", op.symbol()),
                ));
            }
        };
        return Ok(match d.value() {
            Some(v) => Value::Number(v as f64, true),
            None => Value::Dim(d),
        });
    }
    if let (Value::Number(a, _), Value::Number(b, _)) = (x, y) {
        let v = match op {
            ast::Op::Add => a + b,
            ast::Op::Sub => a - b,
            ast::Op::Mul => a * b,
            ast::Op::Div => a / b,
            _ => {
                return Err(cx.error(
                    span,
                    "two numbers are compared: the result is known already",
                ));
            }
        };
        return Ok(Value::Number(v, false));
    }
    Err(cx.error(
        span,
        format!("`{}` between {} and {}", op.symbol(), x.kind(), y.kind()),
    ))
}

/// Arguments of a declaration.
fn given(net: &Net, cx: &mut Cx, args: &[ast::Arg]) -> Told<Vec<Given>> {
    let mut out = Vec::new();
    let mut told = None;
    for a in args {
        match constant(net, cx, &a.value) {
            Ok(value) => out.push(Given {
                name: a.name.clone(),
                value,
                span: a.value.span,
                text: a.value.to_string(),
            }),
            Err(p) => told = Some(p),
        }
    }
    told.map_or(Ok(out), Err)
}

fn declare(net: &mut Net, unit: &Unit, field: &ast::Field, diag: &Diag) -> Field {
    let first = net.params.len();
    let index = net.fields.len();
    let mut cx = Cx::new(diag, false);
    let mut out = Field {
        name: field.name.clone(),
        decl: String::new(),
        kind: FieldKind::Poison,
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
        ast::FieldKind::Poison | ast::FieldKind::Array { .. } => {}
        ast::FieldKind::Layer { layer, args } => {
            let (open, close) = array_text(&out.stack);
            let args_text = ast::show_args(args);
            out.decl = format!("{}: {open}{layer}({args_text}){close}", field.name);
            let Ok(given) = given(net, &mut cx, args) else {
                return out;
            };
            let name = layer.to_string();
            let Some(declared) = layers::declare(&mut cx, &name, layer.span(), given) else {
                let hint = did_you_mean(&name, layers::names().chain(["Param"]));
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
                let name = format!("{}{places}.{}", field.name.unraw(), p.name);
                net.params.push(Param {
                    name,
                    shape: out.stack.iter().cloned().chain(p.shape).collect(),
                    stack: out.stack.clone(),
                    init: p.init,
                    frozen: field.frozen,
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
                    field: index,
                    shared: p.shared.map(|other| first + other),
                });
            }
            cx.require.extend(instance.net.require.iter().cloned());
            out.kind = FieldKind::Block(Box::new(instance));
        }
        ast::FieldKind::Param { shape, .. } if !out.stack.is_empty() => {
            let shape: Vec<String> = shape.iter().map(Expr::to_string).collect();
            let sizes: Vec<String> = out.stack.iter().map(Dim::to_string).collect();
            let text = format!(
                "an array holds layers\nhelp: a parameter has the array's dimensions itself: `{}: Param[{}]`",
                field.name,
                [sizes, shape].concat().join(", ")
            );
            diag.error(field.name.span(), text);
            return out;
        }
        ast::FieldKind::Param { shape, init } => {
            let Ok(shape) = param_shape(net, &mut cx, shape) else {
                return out;
            };
            out.decl = format!("{}: Param{}", field.name, crate::dim::show_shape(&shape));
            if let Some(span) = field.recompute {
                let text = format!(
                    "`{}` is a parameter: nothing of it is computed\n{}\nhelp: `#[recompute]` stands before a layer or a network",
                    field.name, out.decl
                );
                diag.error(span, text);
            }
            let Ok(init) = param_init(net, &mut cx, init.as_ref()) else {
                return out;
            };
            net.params.push(Param {
                name: field.name.unraw().to_string(),
                shape,
                stack: Vec::new(),
                init,
                frozen: field.frozen,
                field: index,
                shared: None,
            });
            out.kind = FieldKind::Param;
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

/// `Block<128, 4>`.
fn block_text(path: &[Ident], args: &[Expr]) -> String {
    let list: Vec<String> = args.iter().map(Expr::to_string).collect();
    match list.is_empty() {
        true => ast::show_path(path),
        false => format!("{}<{}>", ast::show_path(path), list.join(", ")),
    }
}

/// The network of a field, with values for its const parameters.
fn block(net: &mut Net, unit: &Unit, cx: &mut Cx, path: &[Ident], args: &[Expr]) -> Told<Instance> {
    // One with mistakes has told them.
    let unit = unit.of(path).ok_or(Poison)?;
    let span = path.last().map_or_else(Span::call_site, Ident::span);
    let text = block_text(path, args);
    let wanted = &unit.source.generics;
    let mut values = Vec::new();
    for e in args {
        let d = constant(net, cx, e)?.as_dim();
        values.push(match d {
            Some(d) if d.value().is_none_or(|v| v >= 0) => d,
            _ => return Err(cx.error(e.span, "a size is a whole number, not negative")),
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
            false => format!("{least} to {} sizes", wanted.len()),
        };
        let text = format!(
            "`{}` takes {sizes}, not {}\nit is declared as `struct {}{declared}`",
            unit.source.name,
            values.len(),
            unit.source.name,
        );
        return Err(cx.error(span, text));
    }
    let prefix = format!("{}{}::", net.prefix, ast::show_path(path));
    for p in &wanted[values.len()..] {
        values.push(match p.default.as_ref().map(|e| &e.kind) {
            Some(ExprKind::Number(v, true)) => Dim::from(*v as i64),
            Some(ExprKind::Name(n)) => Dim::atom(Atom::Const(format!("{prefix}{n}"))),
            _ => return Err(Poison),
        });
    }
    let diag = Diag::default();
    let inner = instance(&unit, values, &prefix, &diag);
    let messages = diag.messages();
    for m in &messages {
        cx.error(span, format!("in `{text}`: {}", m.text));
    }
    if !messages.is_empty() {
        return Err(Poison);
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

/// The number of an array's elements.
fn array_size(net: &Net, cx: &mut Cx, count: &Expr) -> Told<Dim> {
    match constant(net, cx, count)?.as_dim() {
        Some(d) if d.value().is_none_or(|v| v >= 1) => Ok(d),
        _ => Err(cx.error(
            count.span,
            "an array has a whole number of elements, at least 1",
        )),
    }
}

/// What stands before and behind an array's element, outermost dimension last.
fn array_text(stack: &[Dim]) -> (String, String) {
    let close: Vec<String> = stack.iter().rev().map(|d| format!("; {d}]")).collect();
    ("[".repeat(stack.len()), close.concat())
}

fn param_shape(net: &Net, cx: &mut Cx, shape: &[Expr]) -> Told<Shape> {
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

/// `zeros`, `ones`, a number, `uniform(bound)`, `normal(std)`; nothing is zeros.
fn param_init(net: &Net, cx: &mut Cx, init: Option<&Expr>) -> Told<Init> {
    let Some(e) = init else {
        return Ok(Init::Constant(0.0));
    };
    match &e.kind {
        ExprKind::Number(v, _) => return Ok(Init::Constant(*v)),
        ExprKind::Name(n) if n == "zeros" => return Ok(Init::Constant(0.0)),
        ExprKind::Name(n) if n == "ones" => return Ok(Init::Constant(1.0)),
        ExprKind::Call(n, args) if args.len() == 1 => {
            if let Value::Number(v, _) = constant(net, cx, &args[0].value)? {
                match n.to_string().as_str() {
                    "uniform" => return Ok(Init::Uniform(v)),
                    "normal" => return Ok(Init::Normal(v)),
                    _ => {}
                }
            }
        }
        _ => {}
    }
    Err(cx.error(
        e.span,
        "a parameter starts as `zeros`, `ones`, a number, `uniform(bound)` or `normal(std)`",
    ))
}

fn signature(net: &Net, f: &ast::Function, diag: &Diag) -> Signature {
    let mut out = Signature {
        name: f.name.clone(),
        attrs: f.attrs.clone(),
        dims: Vec::new(),
        args: Vec::new(),
        ret: Vec::new(),
        tuple: f.tuple,
        draw: f.draw.is_some(),
        eval: f.eval,
        budget: f.budget.clone(),
        poisoned: false,
        require: Vec::new(),
    };
    unique(diag, "argument", f.args.iter().map(|a| &a.name));
    let mut cx = Cx::new(diag, false);
    for a in &f.args {
        match resolve(net, &mut cx, &a.ty, None) {
            Ok(ty) => {
                // A dimension that stands alone is introduced by its argument.
                for d in &ty.shape {
                    if let Some(name) = bare(d)
                        && !out.dims.contains(&name)
                    {
                        out.dims.push(name);
                    }
                }
                if let (Some(span), true) = (a.grad, ty.elem != Elem::Float) {
                    let text = format!(
                        "`{}` holds {}, which has no gradient",
                        a.name,
                        if ty.elem == Elem::Bool {
                            "booleans"
                        } else {
                            "integers"
                        }
                    );
                    diag.error(span, text);
                    out.poisoned = true;
                }
                if ty.shape.len() > 6 {
                    diag.error(a.ty.span, "an argument has at most 6 dimensions");
                    out.poisoned = true;
                }
                out.args.push(Arg {
                    name: a.name.clone(),
                    ty,
                    grad: a.grad.is_some(),
                });
            }
            Err(_) => out.poisoned = true,
        }
    }
    if out.dims.len() > 8 {
        diag.error(f.name.span(), "a function has at most 8 named dimensions");
        out.poisoned = true;
    }
    if !out.poisoned {
        for (a, arg) in f.args.iter().zip(&out.args) {
            for name in arg.ty.shape.iter().flat_map(Dim::names) {
                if !out.dims.contains(&name) {
                    let text = format!(
                        "`{name}` cannot be told from the arguments: it stands nowhere alone\nhelp: one argument needs a dimension that is just `{name}`"
                    );
                    diag.error(a.ty.span, text);
                    out.poisoned = true;
                }
            }
        }
    }
    if let (Some(budget), Some(name), false) = (&f.budget, out.dims.first(), out.poisoned) {
        let lower = name.to_lowercase();
        let text = format!(
            "the memory of `{0}` depends on `{name}`, which is known only when it is called\nhelp: give `{name}` a number, or ask for `{1}::{0}_memory({lower})`",
            f.name, net.name
        );
        diag.error(budget.span, text);
    }
    let shapes: Vec<Shape> = out.args.iter().map(|a| a.ty.shape.clone()).collect();
    for d in shapes.iter().flatten() {
        // A difference of sizes must not be negative.
        if d.terms().any(|(c, _)| c < 0) {
            let _ = cx.at_least(d, &Dim::from(0), f.name.span(), "a size is not negative");
        }
    }
    for r in &f.ret {
        let known = if out.poisoned {
            None
        } else {
            Some(out.dims.as_slice())
        };
        match resolve(net, &mut cx, r, known) {
            Ok(ty) => out.ret.push(ty),
            Err(_) => out.poisoned = true,
        }
    }
    if let (Some(span), false, false) = (f.draw, out.poisoned, out.is_scalar()) {
        let text = format!(
            "`{}` does not return one number, so its values have no gradients to draw\nhelp: put `#[draw]` on a function that returns `[]`",
            f.name
        );
        diag.error(span, text);
    }
    out.require = cx.require;
    out
}

/// An op of the user's own: results are floats or integers.
fn custom(
    f: &ast::Function,
    functions: &ast::Custom,
    signature: &mut Signature,
    diag: &Diag,
) -> Custom {
    for (ty, source) in signature.ret.iter().zip(&f.ret) {
        if ty.elem == Elem::Bool {
            let text = format!(
                "`{}` gives booleans: the results of an op of one's own are floats or integers\nhelp: give `i32[..]` of 0 and 1, and compare: `{}(..) != 0`",
                f.name, f.name
            );
            diag.error(source.span, text);
            signature.poisoned = true;
        }
    }
    Custom {
        name: f.name.to_string(),
        args: signature.args.iter().map(|a| a.ty.elem).collect(),
        ret: signature.ret.iter().map(|ty| ty.elem).collect(),
        functions: Some(functions.clone()),
    }
}

/// The name, if a dimension is nothing but one.
pub fn bare(d: &Dim) -> Option<String> {
    let names = d.names();
    match names.as_slice() {
        [name] if *d == Dim::named(name) => Some(name.clone()),
        _ => None,
    }
}

/// The element type as written.
pub fn element(cx: &Cx, ty: &ast::Type) -> Told<Elem> {
    Ok(match &ty.elem {
        None => Elem::Float,
        Some(name) => match name.to_string().as_str() {
            "u32" => Elem::U32,
            "i32" => Elem::I32,
            "i64" => Elem::I64,
            "bool" => Elem::Bool,
            other => {
                let help = match other {
                    "f32" | "f64" | "float" => {
                        "\nhelp: floats are plain brackets: `[B, 8]`; the device decides between f32 and f64"
                    }
                    "usize" | "u64" | "int" | "u8" => "\nhelp: integers are `u32`, `i32` or `i64`",
                    _ => "",
                };
                let text = format!(
                    "`{other}` is no element type: there are `[..]` for floats, `u32`, `i32`, `i64` and `bool`{help}"
                );
                return Err(cx.error(name.span(), text));
            }
        },
    })
}

/// A type; with `known`, only these names may occur in it.
fn resolve(net: &Net, cx: &mut Cx, ty: &ast::Type, known: Option<&[String]>) -> Told<Type> {
    let elem = element(cx, ty)?;
    let shape = ty
        .dims
        .iter()
        .map(|e| dimension(net, cx, e, known))
        .collect::<Told<_>>()?;
    Ok(Type { elem, shape })
}

/// A dimension in a signature.
pub fn dimension(net: &Net, cx: &mut Cx, e: &Expr, known: Option<&[String]>) -> Told<Dim> {
    match &e.kind {
        ExprKind::Number(v, true) if *v >= 0.0 => Ok(Dim::from(*v as i64)),
        ExprKind::Number(..) => Err(cx.error(e.span, "a size is a whole number, not negative")),
        ExprKind::Name(n) => {
            let name = n.to_string();
            if let Some(d) = net.constant(&name) {
                return Ok(d);
            }
            if !name.starts_with(char::is_uppercase) {
                let text = format!(
                    "a named dimension begins with a capital: `{}`",
                    name.to_uppercase()
                );
                return Err(cx.error(e.span, text));
            }
            if let Some(known) = known
                && !known.contains(&name)
            {
                let hint = did_you_mean(&name, known.iter().map(String::as_str));
                let list: Vec<String> = known.iter().map(|k| format!("`{k}`")).collect();
                let list = if list.is_empty() {
                    "none".to_owned()
                } else {
                    list.join(", ")
                };
                let text = format!(
                    "no argument introduces the dimension `{name}`\nthe arguments introduce {list}{hint}"
                );
                return Err(cx.error(e.span, text));
            }
            Ok(Dim::named(&name))
        }
        ExprKind::Binary(op, a, b) => {
            let (x, y) = (dimension(net, cx, a, known)?, dimension(net, cx, b, known)?);
            let v = arithmetic(cx, e.span, *op, &Value::Dim(x), &Value::Dim(y))?;
            v.as_dim()
                .ok_or_else(|| cx.error(e.span, "a size is a whole number"))
        }
        _ => Err(cx.error(
            e.span,
            "a dimension is a number, a name, or arithmetic on these",
        )),
    }
}
