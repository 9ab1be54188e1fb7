//! A call of the macro: the tokens of a network, and of the networks in its fields.

use crate::ast;
use crate::diag::Diag;
use crate::parse::parse;
use crate::unit::{self, Unit};
use proc_macro2::{Delimiter, Group, Ident, TokenStream, TokenTree};
use quote::quote;
use std::rc::Rc;

/// A call of the macro.
#[derive(Clone)]
pub struct Call {
    /// The path of the crate `netform` as the caller knows it.
    pub krate: TokenStream,
    /// The tokens of the network.
    pub source: TokenStream,
    /// The tokens of networks in its fields that were collected so far.
    pub held: Vec<TokenStream>,
}

impl Call {
    /// A network without networks in its fields, in a crate that calls this one `netform`.
    pub fn alone(source: TokenStream) -> Call {
        Call {
            krate: quote!(::netform),
            source,
            held: Vec::new(),
        }
    }

    /// Reads the macro's input.
    pub fn read(tokens: TokenStream) -> Call {
        Call::groups(tokens).unwrap_or_else(|| Call::alone(TokenStream::new()))
    }

    fn groups(tokens: TokenStream) -> Option<Call> {
        let mut groups = groups(tokens);
        Some(Call {
            krate: groups.next()?,
            source: groups.next()?,
            held: groups.collect(),
        })
    }

    /// The tokens that a network holding this one needs. `found` are names of signatures that are constants.
    pub fn handed_out(&self, found: &[&Ident]) -> TokenStream {
        let (source, held) = (&self.source, &self.held);
        let found = (!found.is_empty()).then(|| quote!(use const #(#found),*;));
        quote!({ #found #source } #({ #held })*)
    }

    /// The macro call that asks the next network for its tokens, if one is left.
    pub fn ask(&self, source: &ast::Network) -> Option<TokenStream> {
        let blocks = source.blocks();
        let mut held = self.held.clone();
        // Its own tokens are there.
        while (blocks.get(held.len())).is_some_and(|path| unit::is_own(source, path)) {
            held.push(TokenStream::new());
        }
        let path = blocks.get(held.len())?;
        let (krate, own) = (&self.krate, &self.source);
        Some(quote! {
            #(#path)::*! { [#krate::__private::network] [#krate] { #own } #({ #held })* }
        })
    }

    /// All networks as syntax trees.
    pub fn unit(&self, source: ast::Network) -> Unit {
        let held = self.held.iter().map(|tokens| held(tokens.clone()));
        Unit {
            held: held.collect(),
            source,
        }
    }
}

/// A network from the tokens that it handed out; `None` if it has errors.
fn held(tokens: TokenStream) -> Option<Rc<Unit>> {
    let mut groups = groups(tokens);
    let diag = Diag::default();
    let source = parse(groups.next()?, &diag)?;
    let held = groups.map(held).collect();
    (!diag.any()).then(|| Rc::new(Unit { source, held }))
}

/// The contents of the groups among tokens.
pub fn groups(tokens: TokenStream) -> impl Iterator<Item = TokenStream> {
    tokens.into_iter().filter_map(group).map(|g| g.stream())
}

fn group(tree: TokenTree) -> Option<Group> {
    match tree {
        TokenTree::Group(g) if g.delimiter() != Delimiter::None => Some(g),
        _ => None,
    }
}

/// The macro that hands out a network's tokens, under the network's name. `payload`: `handed_out`, or `!`. `call_site`
/// distinguishes it from others of the same name.
pub fn schema(source: &ast::Network, payload: &TokenStream, call_site: &str) -> TokenStream {
    let (name, vis) = (&source.name, &source.vis);
    let mut hash = 0xcbf2_9ce4_8422_2325_u64; // FNV-1a
    for byte in call_site.bytes().chain(payload.to_string().bytes()) {
        hash = (hash ^ u64::from(byte)).wrapping_mul(0x0100_0000_01b3);
    }
    let unique = quote::format_ident!("__netform_{name}_{hash:016x}");
    let export = (vis.to_string() == "pub").then(|| quote!(#[macro_export]));
    quote! {
        #[doc(hidden)]
        #[allow(unused_macros)]
        #export
        macro_rules! #unique {
            ([$($then:tt)*] $($state:tt)*) => { $($then)* ! { $($state)* { #payload } } };
        }
        #[doc(hidden)]
        #[allow(unused_imports)]
        #vis use #unique as #name;
    }
}
