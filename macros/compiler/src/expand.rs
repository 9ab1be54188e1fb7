//! The macro, from tokens to tokens.

use crate::call::{self, Call};
use crate::check;
use crate::codegen;
use crate::diag::Diag;
use crate::net::Net;
use crate::parse::parse;
use crate::unit;
use crate::variant::Variants;
use proc_macro2::TokenStream;
use quote::quote;

/// Expands the tokens of one network, which holds no others.
pub fn expand(source: TokenStream) -> TokenStream {
    expand_call(&Call::alone(source), "")
}

/// Expands one call of the macro. `call_site` makes the name of the network's own macro unique.
pub fn expand_call(call: &Call, call_site: &str) -> TokenStream {
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
    match variants.errors() {
        None => {
            let schema = call::schema(&unit.source, &call.handed_out(), call_site);
            let network = codegen::network(variants.net(), &variants.all);
            quote!(#network #schema)
        }
        Some(errors) => {
            name_constants(variants.net(), &errors);
            let schema = call::schema(&unit.source, &quote!(!), call_site);
            // For a struct with its type parameter's name, the skeleton would only add rustc's errors.
            let skeleton = if variants.net().name == "D" {
                TokenStream::new()
            } else {
                codegen::skeleton(variants.net())
            };
            let errors = errors.to_tokens();
            quote!(#errors #skeleton #schema)
        }
    }
}

/// The names of a network's dimensions may be those of Rust constants. rustc reports that, but only after the errors that
/// follow from it: so each of these mentions it.
fn name_constants(net: &Net, errors: &Diag) {
    let suspects: Vec<String> = (net.names.iter().map(ToString::to_string))
        .filter(|name| name.len() > 2 && check::is_constant(name))
        .collect();
    errors.note(|message| {
        let word = |c: char| c.is_alphanumeric() || c == '_';
        let mentioned = (suspects.iter())
            .filter(|name| message.text.split(|c| !word(c)).any(|w| w == *name))
            .map(String::as_str);
        let mentioned: Vec<&str> = mentioned.collect();
        match mentioned.is_empty() || message.text.contains("use const") {
            true => String::new(),
            false => format!(
                "\nhelp: if `{}` is a Rust constant, write `use const {};` before `struct {}`",
                mentioned.join("` or `"),
                mentioned.join(", "),
                net.name
            ),
        }
    });
}
