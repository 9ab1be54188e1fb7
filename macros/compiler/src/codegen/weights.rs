//! Weights that are part of the program: their constructor, and the comparisons left to rustc.

use super::dims::usize;
use super::generics::generics;
use crate::dim::Dim;
use crate::net::Net;
use proc_macro2::{Span, TokenStream};
use quote::{quote, quote_spanned};
use std::path::Path;

/// The constructor; without a body while the network has errors.
pub fn pretrained(net: &Net, whole: bool) -> Option<TokenStream> {
    let taken = net.signatures.iter().any(|s| s.name == "pretrained");
    let weights = net.weights.as_ref().filter(|_| !taken)?;
    let (d, path) = (&net.device, &weights.path);
    let doc = format!(
        "A network on a device with the weights of `{path}`, which are part of the program. The seed is that of dropout."
    );
    // Makes the build depend on the file.
    let file = match Path::new(path).is_absolute() {
        true => quote!(#path),
        false => quote!(::core::concat!(::core::env!("CARGO_MANIFEST_DIR"), "/", #path)),
    };
    let body = match whole {
        false => quote!(::core::panic!()),
        true => quote! {
            static BYTES: &[u8] = ::core::include_bytes!(#file);
            let mut net = Self::new(device, seed)?;
            __nf::files::safetensors::load_bytes(&mut net.core, #path, BYTES)?;
            ::core::result::Result::Ok(net)
        },
    };
    Some(quote! {
        #[doc = #doc]
        pub fn pretrained(device: impl __nf::DeviceOf<#d>, seed: u64) -> __nf::Result<Self> { #body }
    })
}

/// Compares the file with sizes that only rustc knows; each difference is reported separately. Variants that rustc does
/// not choose need not fit.
pub fn fits(net: &Net) -> TokenStream {
    let items = &generics(net).items;
    let once = |fits: &[(Dim, u64, String)]| {
        let mut out: Vec<(Dim, u64, String)> = Vec::new();
        for fit in fits {
            if !out.contains(fit) {
                out.push(fit.clone());
            }
        }
        out
    };
    let asserts = net.weights.iter().flat_map(|w| {
        // Reported at the user's span.
        let span = Span::call_site().located_at(w.span);
        once(&w.fits).into_iter().map(move |(d, found, text)| {
            let (size, name) = (usize(&d), format!("`{d}`"));
            let (found, text) = (found as usize, format!("`{}`: {text}", w.path));
            quote_spanned! {span=>
                const _: () = if #items::__CHOSEN { __nf::equal::same(#size, #found, #text, [#name, ""]) };
            }
        })
    });
    let misfits = net.weights.iter().filter_map(|w| {
        let text = w.misfit.as_ref()?;
        let span = Span::call_site().located_at(w.span);
        Some(quote_spanned! {span=>
            const _: () = if #items::__CHOSEN { ::core::panic!("{}", #text) };
        })
    });
    asserts.chain(misfits).collect()
}
