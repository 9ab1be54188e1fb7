//! Compares the constants that the macro read from a file with their values.

use super::constants::{alias, number_alias};
use super::generics::zeros;
use crate::net::{ConstType, Held};
use crate::values::{Constant, Known};
use proc_macro2::{Ident, Literal, Span, TokenStream};
use quote::{quote, quote_spanned};

/// The comparison of a constant of the network, at its first token.
pub fn own(constant: &Constant) -> TokenStream {
    let Constant { name, value } = constant;
    let mut equal = Vec::new();
    equalities(&quote!(#name), value, &mut equal);
    check((&name.to_string(), value), name.span(), &equal)
}

/// The comparison of a constant of a network in a field; `None` if a network does not hand out constants like this one.
pub fn held(held: &Held, name: &str, value: &Known) -> Option<TokenStream> {
    let (_, ty) = held.consts.iter().find(|(c, _)| c == name)?;
    let (path, zeros) = (&held.path, zeros(held.generics.iter().copied()));
    let of = |name: Ident| quote!(#(#path)::*::<#(#zeros,)* __nf::Cpu>::#name);
    let numbers = of(number_alias(name));
    let mut equal = Vec::new();
    match (ty, value) {
        (ConstType::Array, Known::List(all)) => {
            for (k, v) in all.iter().enumerate() {
                let v = Literal::f64_unsuffixed(v.number()?);
                equal.push(quote!(#numbers(#k) == #v));
            }
        }
        (ConstType::Any, v) => {
            let v = Literal::f64_unsuffixed(v.number()?);
            equal.push(quote!(#numbers == #v));
        }
        (
            ConstType::Size | ConstType::Float | ConstType::Bool,
            v @ (Known::Whole(_) | Known::Number(_) | Known::Bool(_)),
        ) => {
            equalities(&of(alias(name)), v, &mut equal);
        }
        _ => return None,
    }
    let last = path.last().map_or_else(Span::call_site, Ident::span);
    Some(check(
        (&format!("{}::{name}", crate::ast::show_path(path)), value),
        last,
        &equal,
    ))
}

fn check((name, value): (&str, &Known), span: Span, equal: &[TokenStream]) -> TokenStream {
    let text = format!(
        "two constants are called `{name}`, and their values differ\nnote: the macro read {} of one of them, but the network uses the other\nhelp: rename one of them, or declare `{name}` with a number in the module of the network",
        match value {
            Known::Whole(v) => format!("the value {v}"),
            Known::Number(v) => format!("the value {v}"),
            _ => "the values".to_owned(),
        }
    );
    let span = Span::call_site().located_at(span);
    let holds = quote_spanned!(span=> true #(&& #equal)*);
    quote_spanned!(span=> const _: () = ::core::assert!(#holds, #text);)
}

/// The comparisons of an expression with a value and its parts.
fn equalities(of: &TokenStream, value: &Known, out: &mut Vec<TokenStream>) {
    match value {
        Known::Whole(v) => {
            // A float with a fraction is not equal.
            let (v, number) = (
                Literal::i128_unsuffixed(*v),
                value.number().unwrap_or(f64::NAN),
            );
            let number = Literal::f64_unsuffixed(number);
            out.push(quote!(#of as ::core::primitive::i128 == #v));
            out.push(quote!(#of as ::core::primitive::f64 == #number));
        }
        Known::Number(v) => {
            let v = Literal::f64_unsuffixed(*v);
            out.push(quote!(#of as ::core::primitive::f64 == #v));
        }
        Known::Bool(v) => out.push(quote!(#of == #v)),
        Known::List(all) => {
            let count = Literal::usize_unsuffixed(all.len());
            out.push(quote!(#of.len() == #count));
            for (k, v) in all.iter().enumerate() {
                let k = Literal::usize_unsuffixed(k);
                equalities(&quote!(#of[#k]), v, out);
            }
        }
        Known::Tuple(all) => {
            for (k, v) in all.iter().enumerate() {
                let k = Literal::usize_unsuffixed(k);
                equalities(&quote!(#of.#k), v, out);
            }
        }
    }
}
