//! The choice among a network's variants: rustc evaluates the conditions.

use super::dims::usize;
use super::generics::{Generics, generics};
use crate::condition::Condition;
use crate::diag::Message;
use crate::net::Net;
use crate::variant::Variant;
use proc_macro2::{Span, TokenStream};
use quote::{quote, quote_spanned};

/// Whether rustc finds a variant's answers.
pub(super) fn chosen(answers: &[(Condition, bool)]) -> TokenStream {
    let answers = answers.iter().map(|(condition, holds)| {
        let condition = condition_tokens(condition);
        quote!((#condition) == #holds)
    });
    quote!(true #(&& #answers)*)
}

/// The errors of variants, which rustc reports if it takes them: at once, or for the values of const parameters, where the
/// second result forces the check.
pub(super) fn deferred(
    net: &Net,
    errors: &[(&[(Condition, bool)], Message)],
) -> (TokenStream, TokenStream) {
    if errors.is_empty() {
        return (TokenStream::new(), TokenStream::new());
    }
    let Generics { declared, used, .. } = generics(net);
    if !declared.is_empty() {
        let each = errors.iter().map(|(answers, message)| {
            let (chosen, text) = (chosen(answers), &message.text);
            let span = Span::call_site().located_at(message.span);
            quote_spanned!(span=> if #chosen { ::core::panic!("{}", #text) })
        });
        let items = quote! {
            struct __Failed<#declared>;
            impl<#declared> __Failed<#used> {
                const CHECK: () = { #(#each)* };
            }
        };
        return (items, quote!(let () = __Failed::<#used>::CHECK;));
    }
    let each = errors.iter().map(|(answers, message)| {
        let (chosen, text) = (chosen(answers), &message.text);
        let span = Span::call_site().located_at(message.span);
        quote_spanned! {span=>
            const _: () = if #chosen { ::core::panic!("{}", #text) };
        }
    });
    (each.collect(), TokenStream::new())
}

fn condition_tokens(condition: &Condition) -> TokenStream {
    match condition {
        Condition::Known(holds) => quote!(#holds),
        Condition::Equal(a, b) => {
            let (a, b) = (usize(a), usize(b));
            quote!((#a) == (#b))
        }
        Condition::AtLeast(a, b) => {
            let (a, b) = (usize(a), usize(b));
            quote!((#a) >= (#b))
        }
        Condition::Not(a) => {
            let a = condition_tokens(a);
            quote!(!(#a))
        }
        Condition::And(a, b) => {
            let (a, b) = (condition_tokens(a), condition_tokens(b));
            quote!((#a) && (#b))
        }
        Condition::Or(a, b) => {
            let (a, b) = (condition_tokens(a), condition_tokens(b));
            quote!((#a) || (#b))
        }
    }
}

/// The tokens of the variant that rustc finds.
pub(super) fn choice(variants: &[Variant], of: impl Fn(&Variant) -> TokenStream) -> TokenStream {
    chain(variants, variants.iter().map(of).collect())
}

/// The same, given the tokens of each variant.
pub(super) fn chain(variants: &[Variant], mut each: Vec<TokenStream>) -> TokenStream {
    let end = each.pop().unwrap_or_default();
    let others = variants.iter().zip(&each).rev();
    others.fold(end, |rest, (variant, this)| {
        let items = generics(&variant.net).items;
        quote!(if #items::__CHOSEN { #this } else { #rest })
    })
}
