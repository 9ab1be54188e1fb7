//! The procedural macro of `network!`: passes its tokens to the compiler.

use netform_compiler::call::Call;
use proc_macro::{TokenStream, TokenTree};
use std::collections::HashMap;
use std::sync::{Mutex, PoisonError};

/// `[krate] { source } { held } ..`, as `netform_compiler::unit` describes.
#[proc_macro]
pub fn network(input: TokenStream) -> TokenStream {
    let call_site = call_site(input.clone());
    let expanded = std::panic::catch_unwind(|| {
        netform_compiler::expand_call(&Call::read(input.into()), &call_site).into()
    });
    expanded.unwrap_or_else(|panic| {
        let why = (panic.downcast_ref::<String>().map(String::as_str))
            .or_else(|| panic.downcast_ref::<&str>().copied())
            .unwrap_or("no reason given");
        let text = format!("a bug in netform, please report it with this network: {why}");
        format!("::core::compile_error!({text:?});")
            .parse()
            .unwrap_or_default()
    })
}

/// The number of networks seen at each place: a `macro_rules!` may put several at one.
static SEEN: Mutex<Option<HashMap<String, usize>>> = Mutex::new(None);

/// A text that identifies the network in its crate.
fn call_site(input: TokenStream) -> String {
    let place = place(input);
    let mut seen = SEEN.lock().unwrap_or_else(PoisonError::into_inner);
    let count = seen
        .get_or_insert_default()
        .entry(place.clone())
        .or_default();
    *count += 1;
    format!("{place}#{count}")
}

/// The place of the network: the file, line and column of its first token.
fn place(input: TokenStream) -> String {
    let source = input.into_iter().nth(1);
    let Some(TokenTree::Group(source)) = source else {
        return String::new();
    };
    source
        .stream()
        .into_iter()
        .next()
        .map_or(String::new(), |t| {
            let span = t.span();
            format!("{}:{}:{}", span.file(), span.line(), span.column())
        })
}
