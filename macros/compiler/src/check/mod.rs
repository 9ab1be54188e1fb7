//! Resolves declarations: layers, parameters, Rust constants, signatures.
//!
//! Takes the syntax tree. Afterwards every field is a layer, a parameter or a reported error, and every name in a
//! signature is a size that is known when the function is called.

mod arithmetic;
mod block;
mod booleans;
mod collect;
mod condition;
mod conditions;
mod constant;
mod fields;
mod generics;
mod init;
mod keep;
mod mentioned;
mod position;
mod signature;
mod types;

pub use arithmetic::{arithmetic, is_of_numbers, of_numbers, rounds};
pub use booleans::is_true;
pub use condition::holds;
pub use constant::{argument, element_of, is_array};
pub use types::{bare, dimension, element, is_constant};

use crate::ast;
use crate::diag::Diag;
use crate::dim::{Atom, Dim};
use crate::equal::Equalities;
use crate::net::{Field, FieldKind, Net, Param};
use crate::shared;
use crate::unit::Unit;
use crate::value::Value;
use collect::collect_consts;
use conditions::conditions;
use fields::declare;
use generics::{defaults, generics};
use keep::keep;
use proc_macro2::{Ident, Span};
use quote::quote;
use signature::{custom, signature};
use std::rc::Rc;

/// Names of generated methods, which fields and functions must not use.
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

/// The suffixes of the methods that are generated for a function.
fn generated(f: &ast::Function) -> Vec<&'static str> {
    let mut all = always_generated(f).to_vec();
    if f.train.is_some() {
        all.extend(["_train", "_train_memory"]);
    }
    all
}

fn always_generated(f: &ast::Function) -> &'static [&'static str] {
    let first = f.ret.first();
    let loss = first.is_some_and(|t| t.elem.is_none() && t.dims.is_empty());
    match (loss, f.tuple || f.ret.len() != 1) {
        (true, false) => &[
            "_backward",
            "_accumulate",
            "_step",
            "_draw",
            "_memory",
            "_backward_memory",
            "_draw_memory",
        ],
        // A loss with metrics.
        (true, true) => &[
            "_backward",
            "_accumulate",
            "_step",
            "_vjp",
            "_memory",
            "_backward_memory",
            "_vjp_memory",
        ],
        _ => &["_vjp", "_memory", "_vjp_memory"],
    }
}

/// Checks the declarations of a network.
pub fn check(unit: &Unit, diag: &Diag) -> Net {
    check_with(unit, &Rc::default(), diag)
}

/// The same with solutions for some of its constants.
pub fn check_with(unit: &Unit, equal: &Rc<Equalities>, diag: &Diag) -> Net {
    let own = |p: &ast::ConstParam| {
        let name = p.name.to_string();
        Value::of_dim(match p.ty {
            ast::ConstType::Float => Dim::atom(Atom::Float(name)),
            _ => equal.value(name),
        })
    };
    let values = unit.source.generics.iter().map(own).collect();
    instance(unit, values, ("", equal, 0), diag)
}

/// The same with values for its first const parameters, while the others have their defaults; its Rust constants begin
/// with `prefix`, and it is in `depth` fields of the same network.
pub(super) fn instance(
    unit: &Unit,
    values: Vec<Value>,
    (prefix, equal, depth): (&str, &Rc<Equalities>, usize),
    diag: &Diag,
) -> Net {
    let source = &unit.source;
    let mut net = Net {
        krate: quote!(::netform),
        device: device(source),
        prefix: prefix.to_owned(),
        depth,
        equal: equal.clone(),
        generics: generics(source, &values, diag),
        held: Vec::new(),
        states: Vec::new(),
        customs: Vec::new(),
        weights: None,
        name: source.name.clone(),
        attrs: source.attrs.clone(),
        vis: source.vis.clone(),
        fields: Vec::new(),
        params: Vec::new(),
        consts: Vec::new(),
        names: Vec::new(),
        require: Vec::new(),
        signatures: Vec::new(),
        variant: None,
    };
    collect_consts(unit, &mut net, diag);
    defaults(source, &mut net, values.len(), diag);
    conditions(source, &mut net, diag);
    unique(diag, "size", source.generics.iter().map(|p| &p.name));
    unique(diag, "field", source.fields.iter().map(|f| &f.name));
    unique(diag, "function", source.functions.iter().map(|f| &f.name));
    for f in &source.functions {
        if source.fields.iter().any(|x| x.name == f.name) {
            diag.error(
                f.name.span(),
                format!("`{}` is a field and a function: rename one of them", f.name),
            );
        }
        reserved(diag, &f.name);
        for suffix in generated(f) {
            let derived = format!("{}{suffix}", f.name);
            if let Some(other) = source.functions.iter().find(|g| g.name == derived) {
                let text = format!(
                    "the method `{derived}` is generated for `{}`: rename the function",
                    f.name
                );
                diag.error(other.name.span(), text);
            }
        }
    }
    if net.name == "D" {
        diag.error(
            net.name.span(),
            "`D` is the name of the device's type parameter: rename the struct",
        );
    }
    for field in &source.fields {
        declare(&mut net, unit, field, diag);
    }
    same_names(&net, diag);
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
    keep(&mut net, source, diag);
    let types = source.functions.iter().flat_map(|f| &f.args);
    let mut names = Vec::new();
    types.for_each(|a| a.ty.dims.iter().for_each(|d| collect::names(d, &mut names)));
    for name in names {
        let free = net.constant(&name.to_string()).is_none();
        if free && name.to_string().starts_with(char::is_uppercase) && !net.names.contains(&name) {
            net.names.push(name);
        }
    }
    net
}

/// A field's name; of a layer in a list, its path.
fn shown(field: &Field) -> String {
    match field.within {
        true => field.path.clone(),
        false => field.name.to_string(),
    }
}

/// Reports fields whose parameters have the names of another field's: `#[name]` gives any.
fn same_names(net: &Net, diag: &Diag) {
    for (k, field) in net.fields.iter().enumerate() {
        // Two fields, or two layers of a group, of one name are reported as such.
        let same =
            |f: &Field| f.name == field.name || (f.within && field.within && f.path == field.path);
        let others = net.fields[..k].iter().filter(|f| !same(f));
        let known: Vec<(&Field, &str)> = others
            .flat_map(|f| net.params[f.params.clone()].iter().map(move |p| (f, p)))
            .map(|(f, p)| (f, p.name.as_str()))
            .collect();
        let own = &net.params[field.params.clone()];
        let holds =
            |f: &Field| f.params.start <= field.params.start && field.params.end <= f.params.end;
        if matches!(field.kind, FieldKind::Group { .. }) || net.fields[..k].iter().any(holds) {
            continue;
        }
        let twice = |p: &Param| known.iter().find(|(_, name)| *name == p.name);
        if let Some((other, name)) = own.iter().find_map(twice) {
            let text = format!(
                "`{0}` and `{1}` have the same name in files\nnote: both would have a parameter `{name}`\nhelp: write another name in `#[name = \"..\"]`",
                shown(field),
                shown(other)
            );
            diag.error(field.name.span(), text);
        }
    }
}

fn reserved(diag: &Diag, name: &Ident) {
    if RESERVED.iter().any(|r| name == r) {
        let text = format!("`{name}` is a method that every network has: choose another name");
        diag.error(name.span(), text);
    }
}

pub(super) fn unique<'a>(diag: &Diag, what: &str, names: impl Iterator<Item = &'a Ident>) {
    let mut seen: Vec<&Ident> = Vec::new();
    for name in names {
        if seen.contains(&name) {
            let text = format!("the {what} `{name}` is declared twice");
            diag.error(name.span(), text);
        }
        seen.push(name);
    }
}

/// The name of the device's type parameter, different from all const parameters.
fn device(source: &ast::Network) -> Ident {
    let taken = |name: &&str| source.generics.iter().any(|p| p.name == name);
    let name = ["D", "Dev"].into_iter().find(|n| !taken(n));
    Ident::new(name.unwrap_or("__Device"), Span::mixed_site())
}
