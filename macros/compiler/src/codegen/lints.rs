//! Items that only make rustc warn of parts that a network does not use: a field that no function uses, and an argument
//! that its function does not use. The names are the tokens that the user wrote, so that rustc's lints and `#[allow(..)]`
//! apply as to other Rust code.

use crate::ast::{self, ExprKind};
use crate::dim::Dim;
use crate::net::{Net, Signature};
use crate::visit;
use proc_macro2::{Ident, Span, TokenStream};
use quote::{quote, quote_spanned};

/// The items. `unused` are the numbers of the fields that no function uses.
pub fn lints(net: &Net, source: &ast::Network, unused: &[usize]) -> TokenStream {
    let mut out = fields(net, source, unused);
    for (f, signature) in source.functions.iter().zip(&net.signatures) {
        let Some(body) = &f.body else { continue };
        let args = unused_arguments(body, signature);
        if !args.is_empty() {
            let function = Ident::new("function", Span::mixed_site());
            out.extend(quote! {
                const _: () = {
                    #[allow(dead_code)]
                    fn #function(#(#args: ()),*) {}
                };
            });
        }
    }
    out
}

/// A struct whose fields are never read.
fn fields(net: &Net, source: &ast::Network, unused: &[usize]) -> TokenStream {
    let names: Vec<&Ident> = unused.iter().map(|i| &net.fields[*i].name).collect();
    if names.is_empty() {
        return TokenStream::new();
    }
    let attributes = names.iter().map(|name| {
        let field = source.fields.iter().find(|f| f.name == **name);
        let all = field.into_iter().flat_map(|f| &f.attrs);
        let lint = |a: &&syn::Attribute| ["allow", "expect"].iter().any(|l| a.path().is_ident(l));
        let lints = all.filter(lint);
        quote!(#(#lints)*)
    });
    // The type has the field's place, too: rustc does not warn of fields that a macro writes.
    let declared = names
        .iter()
        .map(|name| quote_spanned!(name.span()=> #name: u8));
    let name = &net.name;
    quote! {
        const _: () = {
            #[allow(nonstandard_style)]
            struct #name { #(#attributes #declared),* }
            const _: #name = #name { #(#names: 0),* };
        };
    }
}

/// The arguments that a body does not use, neither their values nor sizes that only they have.
fn unused_arguments<'s>(body: &ast::Block, signature: &'s Signature) -> Vec<&'s Ident> {
    let mut used: Vec<String> = Vec::new();
    visit::block(body, &mut |e| {
        if let ExprKind::Name(name) | ExprKind::Mut(name) = &e.kind {
            used.push(name.to_string());
        }
    });
    let sizes = |arg: &crate::net::Arg| -> Vec<String> {
        let all = arg.ty.shape.iter().flat_map(Dim::names);
        all.map(|n| n.to_string()).collect()
    };
    let unused = signature.args.iter().enumerate().filter(|(k, arg)| {
        let name = arg.name.to_string();
        let elsewhere = |size: &String| {
            let others = signature.args.iter().enumerate().filter(|(i, _)| i != k);
            others
                .into_iter()
                .any(|(_, other)| sizes(other).contains(size))
        };
        let gives_a_size = sizes(arg).iter().any(|s| used.contains(s) && !elsewhere(s));
        !arg.state && !name.starts_with('_') && !used.contains(&name) && !gives_a_size
    });
    unused.map(|(_, arg)| &arg.name).collect()
}
