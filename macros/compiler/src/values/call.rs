//! Puts values in the places of constants, in the tokens of a network and of the networks in its fields.

use super::{Constant, Known, of, replace};
use crate::ast::{ConstType, show_path};
use crate::call::{self, Call};
use crate::check::check;
use crate::codegen;
use crate::diag::Diag;
use crate::net::Held;
use crate::unit::Unit;
use proc_macro2::{Ident, TokenStream};
use quote::quote;

/// The call with values, and the code that compares each value with its constant; `None` if no value is known. `held`
/// are the constants that the networks in fields hand out. The names `except` are left alone.
pub fn in_call(
    call: &Call,
    unit: &Unit,
    (held, except): (&[Held], &[Ident]),
) -> Option<(Call, TokenStream)> {
    let mut own = of(&call.source);
    own.retain(|c| !except.contains(&c.name));
    typed(&mut own, unit);
    let mut values = Values {
        held: None,
        checks: own.iter().map(codegen::values::own).collect(),
        any: !own.is_empty(),
    };
    let tokens = call.held.iter().zip(unit.source.blocks()).zip(&unit.held);
    let tokens = tokens.map(|((tokens, path), unit)| {
        let known = held.iter().find(|h| h.path == path).cloned();
        values.held = known.or_else(|| unit.as_deref().map(|unit| alone(path, unit)));
        values.held(tokens, unit.as_deref(), "")
    });
    let held = tokens.collect();
    let with = Call {
        krate: call.krate.clone(),
        source: replaced(&call.source, &own),
        held,
    };
    values.any.then_some((with, values.checks))
}

/// Gives integers the type of `use const RATE: f64`.
fn typed(constants: &mut [Constant], unit: &Unit) {
    for c in constants {
        let listed = unit.source.consts.iter().find(|l| l.name == c.name);
        if listed.is_some_and(|l| l.ty == ConstType::Float)
            && let Some(number) = c.value.number()
        {
            c.value = Known::Number(number);
        }
    }
}

/// The constants of a network in a field that has errors.
fn alone(path: &[Ident], unit: &Unit) -> Held {
    Held {
        path: path.to_vec(),
        generics: unit.source.generics.iter().map(|p| p.ty).collect(),
        consts: check(unit, &Diag::default()).all_consts(),
        customs: Vec::new(),
    }
}

struct Values {
    /// The network in a field of the outermost network whose tokens these are, and its constants.
    held: Option<Held>,
    checks: TokenStream,
    any: bool,
}

impl Values {
    /// The tokens of a network in a field, and of those in its fields. `prefix` is the path to it from the field. A
    /// constant that cannot be compared keeps its name.
    fn held(&mut self, tokens: &TokenStream, unit: Option<&Unit>, prefix: &str) -> TokenStream {
        let groups: Vec<TokenStream> = call::groups(tokens.clone()).collect();
        let (Some((source, inner)), Some(unit), Some(held)) =
            (groups.split_first(), unit, self.held.clone())
        else {
            return tokens.clone();
        };
        let mut own = of(source);
        typed(&mut own, unit);
        own.retain(|Constant { name, value }| {
            let check = codegen::values::held(&held, &format!("{prefix}{name}"), value);
            self.any |= check.is_some();
            self.checks.extend(check.clone());
            check.is_some()
        });
        let source = replaced(source, &own);
        let inner = inner.iter().zip(unit.source.blocks()).zip(&unit.held);
        let inner = inner.map(|((tokens, path), unit)| {
            let prefix = format!("{prefix}{}::", show_path(path));
            self.held(tokens, unit.as_deref(), &prefix)
        });
        let inner: Vec<TokenStream> = inner.collect();
        quote!({ #source } #({ #inner })*)
    }
}

fn replaced(source: &TokenStream, values: &[Constant]) -> TokenStream {
    replace::replaced(source, &|name| {
        let known = values.iter().find(|c| c.name == *name);
        known.map(|c| c.value.clone())
    })
}
