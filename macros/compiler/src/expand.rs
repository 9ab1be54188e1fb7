//! The macro, from tokens to tokens.

use crate::ast::{ConstType, RustConst};
use crate::call::{self, Call};
use crate::check;
use crate::codegen;
use crate::diag::{Diag, Message, has_word};
use crate::net::Net;
use crate::parse::parse;
use crate::paths;
use crate::probe;
use crate::unit::{self, Unit};
use crate::values;
use crate::variant::{Variant, Variants};
use proc_macro2::{Ident, TokenStream};
use quote::quote;

/// A longer first line of an error is long.
const LONG: usize = 160;

/// Expands the tokens of one network, which holds no others.
pub fn expand(source: TokenStream) -> TokenStream {
    expand_call(&Call::alone(source), "")
}

/// Expands one call of the macro. `call_site` makes the name of the network's own macro unique.
pub fn expand_call(call: &Call, call_site: &str) -> TokenStream {
    match paths::in_words(call) {
        Some(call) => paths::in_paths(expand_words(&call, call_site)),
        None => expand_words(call, call_site),
    }
}

/// The same for a call in which words stand for paths.
fn expand_words(call: &Call, call_site: &str) -> TokenStream {
    let diag = Diag::default();
    let Some(source) = parse(call.source.clone(), &diag) else {
        return diag.to_tokens();
    };
    unit::holds_itself(&source, &diag);
    // Networks in fields are asked for their tokens first, unless that would never end.
    if !diag.any()
        && let Some(ask) = call.ask(&source)
    {
        return ask;
    }
    let unit = call.unit(source);
    let variants = Variants::new(call, &unit, &diag);
    let Some(errors) = variants.errors() else {
        // With values, one variant is left: without them, rustc would take one that has an error.
        if unit.source.generics.is_empty() && !variants.deferred().is_empty() {
            let calls = calls_with_values(call, &unit, variants.net());
            if let Ok(network) = with_values(&calls, &Diag::default(), call_site) {
                return network;
            }
        }
        return emitted(call, &unit, &variants, &[], call_site);
    };
    let names = suspects(variants.net(), &errors);
    let messages = errors.messages();
    if !names.is_empty()
        && !diag.any()
        && let Some(network) = with_constants(call, &unit, (names, &messages), &diag, call_site)
    {
        return network;
    }
    let calls = calls_with_values(call, &unit, variants.net());
    let errors = match with_values(&calls, &errors, call_site) {
        Ok(network) => return network,
        Err(better) => better.map_or(errors, |errors| *errors),
    };
    let errors = match in_fields(call, &unit, (calls, &errors), call_site) {
        Ok(network) => return network,
        Err(mistakes) => *mistakes,
    };
    // Errors in networks of its fields are reported there.
    let whole = unit
        .source
        .blocks()
        .iter()
        .all(|path| unit.of(path).is_some());
    if !errors.any() && whole {
        let text =
            "a bug in netform, please report it with this network: an error without a message";
        errors.error(unit.source.name.span(), text);
    }
    // The values of these did not help.
    let read: Vec<String> = (values::of(&call.source).iter())
        .map(|c| c.name.to_string())
        .collect();
    name_constants(variants.net(), &errors, &read);
    let schema = call::schema(&unit.source, &quote!(!), call_site);
    // For a struct with its type parameter's name, the skeleton would only add rustc's errors.
    let skeleton = if variants.net().name == "D" {
        TokenStream::new()
    } else {
        codegen::skeleton(variants.net(), &read)
    };
    let errors = errors.to_tokens();
    quote!(#errors #skeleton #schema)
}

/// The network with names of signatures as Rust constants, if it has no errors then: of all candidates, those that the
/// solutions are about. `messages` are the errors without them.
fn with_constants(
    call: &Call,
    unit: &Unit,
    (names, messages): (Vec<Ident>, &[Message]),
    diag: &Diag,
    call_site: &str,
) -> Option<TokenStream> {
    let with = |names: &[Ident]| {
        let mut unit = call.unit(unit.source.clone());
        unit.source.consts.extend(names.iter().cloned().map(found));
        unit
    };
    let all = with(&names);
    let trial = Variants::new(call, &all, diag);
    let mentions = |v: &Variant, n: &Ident| v.net.equal.mentions(&n.to_string());
    let solved = |n: &Ident| trial.all.iter().any(|v| mentions(v, n));
    let names: Vec<Ident> = names.into_iter().filter(solved).collect();
    if names.is_empty() {
        return None;
    }
    let unit = with(&names);
    let again = Variants::new(call, &unit, diag);
    // Names that only have to equal each other are dimensions that differ. So are those that another name of a
    // signature, and nothing else, may be.
    let open = again.net().consts.iter().filter(|c| c.open);
    let known: Vec<String> = (names.iter().chain(open.map(|c| &c.name)))
        .map(ToString::to_string)
        .collect();
    let differ = |v: &Variant| v.net.equal.relates_only(&known);
    let holds = again.errors().is_none() && !again.all.iter().any(differ);
    holds.then(|| emitted(call, &unit, &again, messages, call_site))
}

/// The network with the values of its constants in the places of their names, if it has no errors then. Otherwise the
/// errors that it has then, if they are at other places than those without values: which are not mistakes.
fn with_values(
    calls: &[(Call, TokenStream)],
    errors: &Diag,
    call_site: &str,
) -> Result<TokenStream, Option<Box<Diag>>> {
    let mut better = None;
    for (call, checks) in calls {
        let diag = Diag::default();
        let Some(source) = parse(call.source.clone(), &diag) else {
            continue;
        };
        let unit = call.unit(source);
        let again = Variants::new(call, &unit, &diag);
        match again.errors() {
            None => {
                let network = emitted(call, &unit, &again, &[], call_site);
                return Ok(with_checks(call, network, checks));
            }
            // Fewer errors are less likely to follow from values that are missing.
            Some(left) => {
                let fewer = |best: &Diag| left.messages().len() < best.messages().len();
                if better.as_deref().is_none_or(fewer) {
                    better = Some(Box::new(left));
                }
            }
        }
    }
    let places = |diag: &Diag| {
        let all = diag.messages().into_iter();
        let mut all: Vec<String> = all.map(|m| format!("{:?}", m.span)).collect();
        all.dedup();
        all
    };
    // Long formulas of constants are shorter as numbers.
    let first_line = |m: &Message| m.text.lines().next().map_or(0, str::len);
    let long = errors.messages().iter().any(|m| first_line(m) > LONG);
    Err(better.filter(|left| long || places(left) != places(errors)))
}

/// The call with the values of constants, and the code that compares them: first without values for names of dimensions.
fn calls_with_values(call: &Call, unit: &Unit, net: &Net) -> Vec<(Call, TokenStream)> {
    let with = |except| values::in_call(call, unit, (&net.held, except));
    let all = with(&[]);
    let known = values::of(&call.source);
    let shared = known.iter().any(|c| net.names.contains(&c.name));
    let part = shared.then(|| with(&net.names)).flatten();
    part.into_iter().chain(all).collect()
}

/// A network whose errors come from const parameters that are no numbers: it compiles in fields that give numbers.
/// Otherwise its mistakes.
fn in_fields(
    call: &Call,
    unit: &Unit,
    (mut calls, errors): (Vec<(Call, TokenStream)>, &Diag),
    call_site: &str,
) -> Result<TokenStream, Box<Diag>> {
    let first = errors.messages().into_iter().next();
    let (Some(first), false) = (first, unit.source.generics.is_empty()) else {
        return Err(Box::new(errors.clone()));
    };
    if calls.is_empty() {
        calls.push((call.clone(), TokenStream::new()));
    }
    let mut mistakes = None;
    for (call, checks) in calls {
        match probe::compiles(&call, unit, errors) {
            Ok(()) => return in_fields_alone(&call, &checks, first, call_site),
            Err(found) => mistakes = mistakes.or(Some(found)),
        }
    }
    Err(mistakes.unwrap_or_else(|| Box::new(errors.clone())))
}

/// The struct of such a network, and the tokens that it hands out. `first` is the first error without numbers.
fn in_fields_alone(
    call: &Call,
    checks: &TokenStream,
    first: Message,
    call_site: &str,
) -> Result<TokenStream, Box<Diag>> {
    let diag = Diag::default();
    let Some(source) = parse(call.source.clone(), &diag) else {
        return Err(Box::new(diag));
    };
    let unit = call.unit(source);
    let again = Variants::new(call, &unit, &diag);
    let name = &unit.source.name;
    let parameters: Vec<String> = (unit.source.generics.iter())
        .map(|p| format!("`{}`", p.name))
        .collect();
    let why = format!(
        "`{name}` cannot be used directly, only as a field of another network: `field: {name}<{}>`\nnote: the macro must know the values of {}, and a field gives them\nnote: without these values it has this error: {}",
        vec!["2"; parameters.len()].join(", "),
        parameters.join(" and "),
        first.text
    );
    let network = codegen::in_fields(again.net(), &why);
    let schema = call::schema(&unit.source, &call.handed_out(&[]), call_site);
    Ok(with_checks(call, quote!(#network #schema), checks))
}

/// A network, and the code that compares the values that the macro read with its constants.
fn with_checks(call: &Call, network: TokenStream, checks: &TokenStream) -> TokenStream {
    let krate = &call.krate;
    quote! {
        #network
        #[allow(unused, trivial_numeric_casts, clippy::all, clippy::pedantic)]
        const _: () = {
            use #krate::__private as __nf;
            #checks
        };
    }
}

/// A network without errors. `suggested` are the errors that there are if names of signatures are no constants.
fn emitted(
    call: &Call,
    unit: &Unit,
    variants: &Variants,
    suggested: &[Message],
    call_site: &str,
) -> TokenStream {
    let found = unit.source.consts.iter().filter(|c| c.found);
    let found: Vec<&Ident> = found.map(|c| &c.name).collect();
    let schema = call::schema(&unit.source, &call.handed_out(&found), call_site);
    let network = codegen::network(variants.net(), variants, suggested);
    let lints = codegen::lints(variants.net(), &unit.source, &variants.unused());
    quote!(#network #schema #lints)
}

/// A name of a signature as a Rust constant.
fn found(name: Ident) -> RustConst {
    RustConst {
        name,
        ty: ConstType::Size,
        open: false,
        found: true,
        array: false,
    }
}

/// The names of dimensions that errors mention and that may be those of Rust constants.
fn suspects(net: &Net, errors: &Diag) -> Vec<Ident> {
    let messages = errors.messages();
    let mentions = |name: &str| messages.iter().any(|m| has_word(&m.text, name));
    (net.names.iter())
        .filter(|name| check::is_constant(&name.to_string()) && mentions(&name.to_string()))
        .cloned()
        .collect()
}

fn may_be_constant(name: &str) -> bool {
    name.len() > 2 && check::is_constant(name)
}

/// The names of a network's dimensions may be those of Rust constants. rustc reports that, but only after the errors that
/// follow from it: so each of these mentions it.
fn name_constants(net: &Net, errors: &Diag, read: &[String]) {
    let suspects: Vec<String> = (net.names.iter().map(ToString::to_string))
        .filter(|name| may_be_constant(name) && !read.contains(name))
        .collect();
    errors.note(|message| {
        let mentioned = (suspects.iter())
            .filter(|name| has_word(&message.text, name))
            .map(String::as_str);
        let mentioned: Vec<&str> = mentioned.collect();
        match mentioned.is_empty() || message.text.contains("use const") {
            true => String::new(),
            false => format!(
                "\nhelp: if {} a Rust constant, write `use const {};` before `struct {}`",
                match mentioned.as_slice() {
                    [one] => format!("`{one}` is"),
                    all => format!("each of `{}` is", all.join("`, `")),
                },
                mentioned.join(", "),
                net.name
            ),
        }
    });
}
