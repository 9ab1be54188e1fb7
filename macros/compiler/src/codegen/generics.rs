//! Const parameters and the device, as lists for `impl`s and types.

use crate::ast::ConstType;
use crate::net::{Generic, Net};
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
        let ty = ty(g);
        quote!(const #name: #ty #default)
    });
    let items = items_name(net);
    let types = net.generics.iter().map(ty);
    Generics {
        declared: quote!(#(const #names: #types,)*),
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

fn ty(g: &Generic) -> TokenStream {
    match g.ty {
        ConstType::Size => quote!(usize),
        // Rust has no parameters of floats: their bits.
        ConstType::Float => quote!(u64),
        ConstType::Bool => quote!(bool),
    }
}

/// Some values for const parameters of these types: where the values do not matter.
pub(super) fn zeros(types: impl Iterator<Item = ConstType>) -> Vec<TokenStream> {
    let zero = |ty| match ty {
        ConstType::Bool => quote!(false),
        ConstType::Size | ConstType::Float => quote!(0),
    };
    types.map(zero).collect()
}

/// The same for a network.
pub(super) fn zeros_of(net: &Net) -> Vec<TokenStream> {
    zeros(net.generics.iter().map(|g| g.ty))
}
