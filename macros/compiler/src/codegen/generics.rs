//! Const parameters and the device, as lists for `impl`s and types.

use crate::net::Net;
use proc_macro2::{Ident, TokenStream};
use quote::{format_ident, quote};

/// The const parameters, and the device, as lists for `impl`s and types.
pub(super) struct Generics {
    /// `const D: usize, const HEADS: usize,`.
    pub declared: TokenStream,
    /// The same with defaults.
    pub defaults: TokenStream,
    /// `D, HEADS,`.
    pub used: TokenStream,
    /// The constants that the methods use, for these parameters.
    pub items: TokenStream,
    /// The name of the device's type parameter.
    pub device: Ident,
}

pub(super) fn generics(net: &Net) -> Generics {
    let names: Vec<&Ident> = net.generics.iter().map(|g| &g.name).collect();
    let defaults = net.generics.iter().map(|g| {
        let (name, default) = (&g.name, g.default.as_ref().map(|d| quote!(= #d)));
        quote!(const #name: usize #default)
    });
    let items = items_name(net);
    Generics {
        declared: quote!(#(const #names: usize,)*),
        defaults: quote!(#(#defaults,)*),
        used: quote!(#(#names,)*),
        items: quote!(#items::<#(#names,)*>),
        device: net.device.clone(),
    }
}

/// The name of the constants of a variant.
pub(super) fn items_name(net: &Net) -> Ident {
    format_ident!("__Items{}", super::graph::suffix(net))
}
