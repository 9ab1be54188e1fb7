//! The Rust constants of a network, found by the names that its fields and functions mention.

use super::arithmetic::{is_quotient, rounds};
use super::booleans::booleans;
use super::mentioned::mentioned;
use super::unique;
use crate::ast::{self, Expr, ExprKind};
use crate::diag::Diag;
use crate::layers;
use crate::net::Net;
use crate::unit::Unit;
use crate::word;
use proc_macro2::Ident;

/// The constants that `use const` lists, the capitalised names in declarations, and the names that functions mention. A
/// constant is a float if it is listed so, or if it only stands where a layer takes a float.
pub(super) fn collect_consts(unit: &Unit, net: &mut Net, diag: &Diag) {
    let source = &unit.source;
    unique(diag, "constant", source.consts.iter().map(|c| &c.name));
    for c in &source.consts {
        if let Some(g) = net.generics.iter().find(|g| g.name == c.name) {
            let text = format!("`{}` is already a parameter of `{}`", g.name, source.name);
            diag.error(c.name.span(), text);
        } else {
            net.consts.push(c.clone());
        }
    }
    let (mut sizes, mut floats) = (Vec::new(), Vec::new());
    let defaults = source.generics.iter().filter_map(|p| p.default.as_ref());
    defaults
        .chain(&source.conditions)
        .chain(source.fields.iter().filter_map(|f| f.when.as_ref()))
        .for_each(|e| names(e, &mut sizes));
    (source.generics.iter())
        .filter(|p| p.ty == ast::ConstType::Float)
        .filter_map(|p| p.default.as_ref())
        .for_each(|e| names(e, &mut floats));
    for field in &source.fields {
        floats_of_kind(unit, &field.kind, &mut floats);
        of_kind(&field.kind, &mut |e| rounded(e, &mut floats));
        names_of_kind(&field.kind, &mut sizes);
    }
    // In a signature, a name may be that of a dimension. A path is a constant.
    for a in source.functions.iter().flat_map(|f| &f.args) {
        let mut all = Vec::new();
        a.ty.dims.iter().for_each(|d| names(d, &mut all));
        sizes.extend(all.into_iter().filter(is_path));
    }
    // An argument may be a float for two reasons.
    each_once(&mut sizes);
    each_once(&mut floats);
    for name in &sizes {
        let uses = |of: &[Ident]| of.iter().filter(|n| *n == name).count();
        let text = name.to_string();
        if text.starts_with(char::is_uppercase)
            && text != "None"
            && !net.generics.iter().any(|g| g.name == text)
            && !net.consts.iter().any(|c| c.name == text)
        {
            net.consts.push(ast::RustConst {
                name: name.clone(),
                ty: match uses(&sizes) == uses(&floats) {
                    true => ast::ConstType::Float,
                    false => ast::ConstType::Size,
                },
                open: false,
                found: false,
                array: false,
            });
        }
    }
    for (name, array) in mentioned(source) {
        if net.generics.iter().any(|g| g.name == name) {
            continue;
        }
        match net.consts.iter_mut().find(|c| c.name == name) {
            Some(known) => known.array |= array,
            None => net.consts.push(ast::RustConst {
                name,
                ty: ast::ConstType::Size,
                open: true,
                found: false,
                array,
            }),
        }
    }
    let booleans = booleans(unit);
    let listed = |c: &ast::RustConst| source.consts.iter().any(|l| l.name == c.name);
    for c in net.consts.iter_mut().filter(|c| !listed(c)) {
        if booleans.iter().any(|b| c.name == b) {
            c.ty = ast::ConstType::Bool;
        }
    }
}

fn is_path(name: &Ident) -> bool {
    word::parts(&name.to_string()).is_some()
}

/// Drops further copies of a token.
fn each_once(names: &mut Vec<Ident>) {
    let mut seen: Vec<String> = Vec::new();
    names.retain(|name| {
        let token = format!("{name} {:?}", name.span());
        let new = !seen.contains(&token);
        seen.push(token);
        new
    });
}

/// The names in numbers that are rounded: `RATE` in `int(RATE * D)`.
fn rounded(e: &Expr, out: &mut Vec<Ident>) {
    crate::visit::expr(e, &mut |e| match &e.kind {
        ExprKind::Call(name, args) if rounds(&name.to_string()) => {
            let numbers = args
                .iter()
                .filter(|a| name != "floor" || !is_quotient(&a.value));
            numbers.for_each(|a| names(&a.value, out));
        }
        _ => {}
    });
}

/// The names in arguments for which a layer takes a float.
fn floats_of_kind(unit: &Unit, kind: &ast::FieldKind, out: &mut Vec<Ident>) {
    match kind {
        ast::FieldKind::Layer { layer, args } => {
            for a in args {
                let float = is_float(&layer.to_string(), args, a);
                let init = (a.name.as_ref()).is_some_and(|n| n == "init" || n == "bias_init");
                if init || float {
                    names(&a.value, out);
                }
                if let ExprKind::Call(layer, args) = &a.value.kind {
                    let (layer, args) = (layer.clone(), args.clone());
                    floats_of_kind(unit, &ast::FieldKind::Layer { layer, args }, out);
                }
            }
        }
        ast::FieldKind::Param { init, .. } | ast::FieldKind::Buffer { init, .. } => {
            init.iter().for_each(|e| names(e, out));
        }
        ast::FieldKind::Array { element, .. } => floats_of_kind(unit, element, out),
        ast::FieldKind::Group { items, .. } => {
            items
                .iter()
                .for_each(|i| floats_of_kind(unit, &i.kind, out));
        }
        ast::FieldKind::Block { path, args } => {
            let Some(inner) = unit.of(path) else { return };
            let taken = inner.source.generics.iter().zip(args);
            taken
                .filter(|(p, _)| p.ty == ast::ConstType::Float)
                .for_each(|(_, e)| names(e, out));
        }
        _ => {}
    }
}

/// Whether a layer takes a float for one of its arguments.
pub(super) fn is_float(layer: &str, args: &[ast::Arg], a: &ast::Arg) -> bool {
    let mut positional = args.iter().filter(|a| a.name.is_none());
    match &a.name {
        Some(name) => layers::takes_float(layer, |_, n| name == n),
        None => match positional.position(|p| std::ptr::eq(p, a)) {
            Some(position) => layers::takes_float(layer, |i, _| i == position),
            None => false,
        },
    }
}

pub(super) fn names_of_kind(kind: &ast::FieldKind, out: &mut Vec<Ident>) {
    of_kind(kind, &mut |e| names(e, out));
}

/// The expressions in a declaration.
pub(super) fn of_kind(kind: &ast::FieldKind, f: &mut dyn FnMut(&Expr)) {
    match kind {
        ast::FieldKind::Layer { args, .. } => args.iter().for_each(|a| f(&a.value)),
        ast::FieldKind::Param { shape, init } | ast::FieldKind::Buffer { shape, init, .. } => {
            shape.iter().chain(init).for_each(f);
        }
        ast::FieldKind::Block { args, .. } => args.iter().for_each(f),
        ast::FieldKind::Array { element, count } => {
            of_kind(element, f);
            f(count);
        }
        ast::FieldKind::Group { items, .. } => {
            items.iter().for_each(|i| of_kind(&i.kind, f));
        }
        ast::FieldKind::ErrorReported => {}
    }
}

pub(super) fn names(e: &Expr, out: &mut Vec<Ident>) {
    match &e.kind {
        ExprKind::Name(n) => out.push(n.clone()),
        ExprKind::Arrow(a, b) | ExprKind::Binary(_, a, b) => {
            names(a, out);
            names(b, out);
        }
        ExprKind::Neg(a) | ExprKind::Not(a) => names(a, out),
        ExprKind::If(choice) => {
            names(&choice.condition, out);
            let blocks = std::iter::once(&choice.then).chain(&choice.otherwise);
            blocks
                .filter_map(|b| b.tail.as_ref())
                .for_each(|e| names(e, out));
        }
        ExprKind::Call(_, args) => args.iter().for_each(|a| names(&a.value, out)),
        ExprKind::Method(x, _, args) => {
            names(x, out);
            args.iter().for_each(|a| names(&a.value, out));
        }
        ExprKind::Tuple(items) | ExprKind::List(items) => items.iter().for_each(|e| names(e, out)),
        // `RATES[i]`: the name before the index is not a number.
        ExprKind::Index(x, items) => {
            if !matches!(x.kind, ExprKind::Name(_)) {
                names(x, out);
            }
            items.iter().for_each(|item| {
                if let ast::Item::At(e) = item {
                    names(e, out);
                }
            });
        }
        _ => {}
    }
}
