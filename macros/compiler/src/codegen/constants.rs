//! The Rust constants that a network uses: their checks and their names.

use super::dims::{constant, flat};
use crate::net::Net;
use proc_macro2::{Span, TokenStream};
use quote::{format_ident, quote};

/// The Rust constants. The first result checks the network's constants, each with the span in the user's code, so that
/// a wrong type is underlined there, and copies the constants of networks in fields. The second names all of them for
/// networks that hold this one.
pub(super) fn constants(net: &Net) -> (TokenStream, TokenStream) {
    let own = net.consts.iter().filter(|c| !c.open);
    let own = own.map(|c| match (&c.name, c.float) {
        (c, false) => quote!(const _: usize = #c;),
        (c, true) => quote!(const _: f64 = #c;),
    });
    let held = net.held.iter().flat_map(|h| {
        let (path, zeros) = (&h.path, vec![quote!(0); h.generics]);
        let prefix = crate::ast::show_path(path);
        h.consts.iter().map(move |(c, float)| {
            let copy = constant(&format!("{prefix}::{c}"));
            let (name, ty) = (
                format_ident!("__NETFORM_{}", flat(c)),
                constant_type(*float),
            );
            quote!(const #copy: #ty = #(#path)::*::<#(#zeros,)* __nf::Cpu>::#name;)
        })
    });
    let consts = quote!(#(#own)* #(#held)*);
    let all = net.all_consts();
    if all.is_empty() {
        return (consts, TokenStream::new());
    }
    let (name, zeros) = (&net.name, vec![quote!(0); net.generics.len()]);
    let all = all.iter().map(|(c, float)| {
        let (value, name) = (constant(c), format_ident!("__NETFORM_{}", flat(c)));
        let ty = constant_type(*float);
        quote!(#[doc(hidden)] pub const #name: #ty = #value;)
    });
    let aliases = quote!(impl #name<#(#zeros,)* __nf::Cpu> { #(#all)* });
    (consts, aliases)
}

/// Checks that each named dimension is a name, and not a Rust constant that only its signature mentions: as a pattern, a
/// constant matches one number alone.
pub(super) fn free(net: &Net) -> TokenStream {
    let checks = net.names.iter().map(|name| {
        let text = format!(
            "the dimension `{name}` has the name of a Rust constant\nhelp: to use the constant, write `use const {name};` before `struct {}`",
            net.name
        );
        let span = Span::call_site().located_at(name.span());
        quote::quote_spanned! {span=>
            const _: () = ::core::assert!(
                match 0 { #name => true, _ => false } && match 1 { #name => true, _ => false },
                #text,
            );
        }
    });
    checks.collect()
}

fn constant_type(float: bool) -> TokenStream {
    match float {
        true => quote!(f64),
        false => quote!(usize),
    }
}
