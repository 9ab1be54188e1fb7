//! Custom ops: hidden functions of the struct that call the user's functions, with types.
//!
//! They belong to the struct because a network that holds this one is emitted in another module, where the user's paths
//! do not resolve.

use super::generics::{zeros, zeros_of};
use super::names::{custom_name, custom_ptx};
use crate::elem::Elem;
use crate::net::{Custom, Net};
use proc_macro2::{Ident, Span, TokenStream};
use quote::{format_ident, quote, quote_spanned};

/// The struct; the values of its const parameters do not matter.
pub fn owner(net: &Net) -> TokenStream {
    let (name, zeros) = (&net.name, zeros_of(net));
    quote!(#name::<#(#zeros,)* __nf::Cpu>)
}

fn ptx(full: &str, value: &TokenStream) -> TokenStream {
    let name = custom_ptx(full);
    quote! {
        #[doc(hidden)]
        pub const #name: ::core::option::Option<__nf::custom::Ptx> = #value;
    }
}

/// The hidden functions, including those of networks in fields.
pub fn items(net: &Net) -> TokenStream {
    let own = net.customs.iter().flat_map(|op| {
        let functions = op.functions.as_ref();
        functions.into_iter().flat_map(|f| {
            let (forward, backward) = (&f.forward, &f.backward);
            let kernels = match &f.ptx {
                Some(path) => quote!(::core::option::Option::Some(#path)),
                None => quote!(::core::option::Option::None),
            };
            [
                ptx(&op.name, &kernels),
                function(op, &op.name, false, &quote!(#forward)),
                function(op, &op.name, true, &quote!(#backward)),
            ]
        })
    });
    let held = net.held.iter().flat_map(|h| {
        let (path, zeros) = (&h.path, zeros(h.generics.iter().copied()));
        let prefix = crate::ast::show_path(path);
        h.customs.iter().flat_map(move |op| {
            let full = format!("{prefix}::{}", op.name);
            let zeros = &zeros;
            let kernels = custom_ptx(&op.name);
            let kernels = ptx(
                &full,
                &quote!(#(#path)::*::<#(#zeros,)* __nf::Cpu>::#kernels),
            );
            let functions = [false, true].map(|backward| {
                let inner = custom_name(&op.name, backward);
                let target = quote!(#(#path)::*::<#(#zeros,)* __nf::Cpu>::#inner);
                function(op, &full, backward, &target)
            });
            functions.into_iter().chain([kernels])
        })
    });
    let all: TokenStream = own.chain(held).collect();
    match all.is_empty() {
        true => all,
        false => {
            let (name, zeros) = (&net.name, zeros_of(net));
            quote!(impl #name<#(#zeros,)* __nf::Cpu> { #all })
        }
    }
}

/// A hidden function that forwards its arguments.
fn function(op: &Custom, full: &str, backward: bool, target: &TokenStream) -> TokenStream {
    let floats = |elems: &[Elem]| -> Vec<Elem> {
        elems
            .iter()
            .filter(|e| **e == Elem::Float)
            .copied()
            .collect()
    };
    let (read, written) = match backward {
        false => (op.args.clone(), op.ret.clone()),
        true => (
            [op.args.clone(), op.ret.clone(), floats(&op.ret)].concat(),
            floats(&op.args),
        ),
    };
    let name = custom_name(full, backward);
    let names: Vec<Ident> = (0..read.len() + written.len())
        .map(|k| format_ident!("a{k}", span = Span::mixed_site()))
        .collect();
    let element = |e: &Elem| match e {
        Elem::Float => quote!(F),
        Elem::U32 | Elem::I32 | Elem::I64 => quote!(i64),
        Elem::Bool => quote!(bool),
    };
    // At the name of the user's function, where rustc reports other parameters.
    let place = target.clone().into_iter().next().map(|t| t.span());
    let span = Span::call_site().located_at(place.unwrap_or_else(Span::call_site));
    let read = read.iter().map(|e| {
        let e = element(e);
        quote_spanned!(span=> __nf::custom::Array<'_, #e>)
    });
    let written = written.iter().map(|e| {
        let e = element(e);
        quote_spanned!(span=> __nf::custom::ArrayMut<'_, #e>)
    });
    let types: Vec<TokenStream> = read.chain(written).collect();
    // The type shows all parameters if the user's function has others.
    let ty = quote_spanned!(span=> fn(#(#types),*));
    quote! {
        #[doc(hidden)]
        #[inline]
        pub fn #name<F: __nf::Float>(#(#names: #types),*) {
            let function: #ty = #target;
            function(#(#names),*)
        }
    }
}
