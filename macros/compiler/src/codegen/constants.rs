//! The Rust constants that a network uses: their checks and their names.

use super::dims::{Written, flat, integer_of, name_of, no_size, number_of, written};
use super::generics::{zeros, zeros_of};
use crate::ast;
use crate::diag::Message;
use crate::net::{ConstType, Net};
use proc_macro2::{Ident, Span, TokenStream};
use quote::{format_ident, quote};

/// The Rust constants. The first result checks the network's constants, each with the span in the user's code, so that
/// a wrong type is underlined there, and copies the constants of networks in fields. The second names all of them for
/// networks that hold this one. In a network with errors, the types that its constants seem to have may be wrong: they are
/// not checked.
pub(super) fn constants(net: &Net, checked: bool) -> (TokenStream, TokenStream) {
    let found = net.consts.iter().filter(|c| c.found).map(|c| {
        let (name, found) = (&c.name, found(&c.name));
        let too_large = format!("to use the constant `{name}`, write `use const {name};`");
        // Patterns are the only place in which the name may be that of a constant or not.
        quote! {
            #[allow(long_running_const_eval)]
            const #found: usize = {
                let (mut size, mut rounds) = (0, 0u32);
                while !(match size { #name => true, _ => false }) {
                    ::core::assert!(rounds < 1 << 24, #too_large);
                    size += 1;
                    rounds += 1;
                }
                size as usize
            };
        }
    });
    let found: TokenStream = found.collect();
    let own = (net.consts.iter())
        .filter(|c| checked && !c.found && !c.array && (!c.open || c.ty == ast::ConstType::Bool))
        .map(|c| match (&c.name, c.ty) {
            // Any type of integers: an integer is a pattern for these alone.
            (c, ast::ConstType::Size) => {
                let span = Span::call_site().located_at(c.span());
                let text = no_size(&c.to_string());
                quote::quote_spanned! {span=>
                    const _: () = match #c { 0 => (), _ => () };
                    const _: usize = __nf::size_of_number(#c as ::core::primitive::f64, #text);
                }
            }
            // An integer is a number, too.
            (c, ast::ConstType::Float) => {
                quote::quote_spanned!(c.span()=> const _: f64 = #c as ::core::primitive::f64;)
            }
            (c, ast::ConstType::Bool) => quote!(const _: bool = #c;),
        });
    let held = net.held.iter().flat_map(|h| {
        let (path, zeros) = (&h.path, zeros(h.generics.iter().copied()));
        let prefix = crate::ast::show_path(path);
        h.consts.iter().map(move |(c, ty)| {
            let (of, array) = (format!("{prefix}::{c}"), *ty == ConstType::Array);
            let any = *ty == ConstType::Any;
            let all = kinds(*ty).iter().map(|kind| {
                let (copy, name, ty) = (kind.copy(&of), kind.alias(c), kind.ty());
                let of = quote!(#(#path)::*::<#(#zeros,)* __nf::Cpu>::#name);
                match (array, kind) {
                    (true, _) => quote!(const fn #copy(i: usize) -> #ty { #of(i) }),
                    // Computed only where it is used: the number may be a fraction.
                    (false, Kind::Size) if any => quote!(const fn #copy() -> #ty { #of() }),
                    (false, _) => quote!(const #copy: #ty = #of;),
                }
            });
            all.collect::<TokenStream>()
        })
    });
    let consts = quote!(#found #(#own)* #(#held)*);
    let all = net.all_consts();
    if all.is_empty() {
        return (consts, TokenStream::new());
    }
    let (name, zeros) = (&net.name, zeros_of(net));
    let all = all.iter().flat_map(|(c, ty)| {
        kinds(*ty).iter().map(move |kind| {
            let (name, to) = (kind.alias(c), kind.ty());
            let copied = c.contains("::");
            let value = match copied {
                true => kind.copy(c),
                false => name_of(c),
            };
            // A constant that is not a number is reported at its token.
            let number = |value: &TokenStream, span: Span| match kind {
                Kind::Size => {
                    let number = quote::quote_spanned!(span=> #value as ::core::primitive::f64);
                    let text = no_size(c);
                    quote!(__nf::size_of_number(#number, #text))
                }
                Kind::Integer => quote::quote_spanned!(span=> #value as ::core::primitive::i128),
                _ => quote::quote_spanned!(span=> #value as ::core::primitive::f64),
            };
            match (ty, copied) {
                (ConstType::Array, true) => {
                    quote!(#[doc(hidden)] pub const fn #name(i: usize) -> #to { #value(i) })
                }
                (ConstType::Array, false) => {
                    let value = number(&quote!(#value[i]), value.span());
                    quote!(#[doc(hidden)] pub const fn #name(i: usize) -> #to { #value })
                }
                (ConstType::Any, _) => {
                    let value = match (copied, kind) {
                        (false, _) => number(&quote!(#value), value.span()),
                        (true, Kind::Size) => quote!(#value()),
                        (true, _) => quote!(#value),
                    };
                    match kind {
                        Kind::Size => quote!(#[doc(hidden)] pub const fn #name() -> #to { #value }),
                        _ => quote!(#[doc(hidden)] pub const #name: #to = #value;),
                    }
                }
                (ConstType::Float | ConstType::Size, false) => {
                    quote!(#[doc(hidden)] pub const #name: #to = #value as #to;)
                }
                _ => quote!(#[doc(hidden)] pub const #name: #to = #value;),
            }
        })
    });
    let aliases = quote!(impl #name<#(#zeros,)* __nf::Cpu> { #(#all)* });
    (consts, aliases)
}

/// Checks that each named dimension is a name, and not a Rust constant that only its signature mentions: as a pattern, a
/// constant matches one number alone.
///
/// For a network with errors, of which these may be the cause. Not those constants whose values were tried.
pub(super) fn free(net: &Net, read: &[String]) -> TokenStream {
    let names = net.names.iter().filter(|n| !read.iter().any(|r| *n == r));
    let checks = names.map(|name| {
        let constant = is_constant(name);
        let text = format!(
            "the dimension `{name}` has the name of a Rust constant\nhelp: to use the constant, write `use const {name};` before `struct {}`",
            net.name
        );
        let span = Span::call_site().located_at(name.span());
        quote::quote_spanned! {span=>
            const _: () = ::core::assert!(!#constant, #text);
        }
    });
    checks.collect()
}

/// For each named dimension, a function that says whether it may have a size: one that has the name of a Rust constant has
/// its value. As a pattern, a constant matches its value alone, and another name matches everything.
pub(super) fn sizes(net: &Net) -> TokenStream {
    let functions = net.names.iter().map(|name| {
        let function = size_name(&name.to_string());
        let constant = is_constant(name);
        // The constant may have any type of integers.
        quote! {
            fn #function(size: usize) -> bool {
                let mut value = 0;
                let fits = __nf::set(&mut value, size);
                (match value { #name => true, _ => false }) && (fits || !#constant)
            }
        }
    });
    let constant = net.names.iter().map(is_constant);
    quote! {
        #(#functions)*
        const __CONSTANT_NAMES: bool = false #(|| #constant)*;
    }
}

/// These functions for the dimensions of a function.
pub(super) fn sizes_of(dims: &[String]) -> TokenStream {
    let functions = dims.iter().map(|name| size_name(name));
    quote!(if __CONSTANT_NAMES { &[#(#functions),*] } else { &[] })
}

fn size_name(name: &str) -> Ident {
    format_ident!("__may_be_{name}")
}

/// Whether a name is that of a constant: as a pattern, a constant matches one number alone.
fn is_constant(name: &Ident) -> TokenStream {
    quote!((!(match 0 { #name => true, _ => false }) || !(match 1 { #name => true, _ => false })))
}

/// The name of the value of a constant that an error suggested.
fn found(name: &Ident) -> Ident {
    let found = format_ident!("__FOUND_{name}");
    Ident::new(
        &found.to_string(),
        Span::mixed_site().located_at(name.span()),
    )
}

/// The condition that all suggested constants are constants, and another condition.
pub(super) fn if_found(net: &Net, condition: TokenStream) -> TokenStream {
    let found = net.consts.iter().filter(|c| c.found);
    let found = found.map(|c| is_constant(&c.name));
    quote!(#(#found &&)* #condition)
}

/// The errors that there are if the suggested constants are dimensions.
pub(super) fn suggested(net: &Net, errors: &[Message]) -> TokenStream {
    let each = errors.iter().map(|message| {
        let found = net.consts.iter().filter(|c| c.found);
        let mentioned = found.filter(|c| crate::diag::has_word(&message.text, &c.name.to_string()));
        let mentioned: Vec<&Ident> = mentioned.map(|c| &c.name).collect();
        let constant = mentioned.iter().map(|name| is_constant(name));
        let constant = quote!(true #(&& #constant)*);
        let mut text = message.text.clone();
        for name in mentioned {
            text += &format!(
                "\nnote: `{name}` is not a Rust constant, so its size is known only at the call"
            );
        }
        let span = Span::call_site().located_at(message.span);
        quote::quote_spanned! {span=>
            const _: () = if !(#constant) { ::core::panic!("{}", #text) };
        }
    });
    each.collect()
}

/// Records the names that are emitted next.
pub(super) fn record_constants(net: &Net) {
    let all = net.all_consts();
    let any = all.iter().filter(|(name, ty)| {
        matches!(ty, ConstType::Any | ConstType::Array) && name.contains("::")
    });
    let parameters = |ty| {
        let all = net.generics.iter().filter(move |g| g.ty == ty);
        all.map(|g| g.name.to_string())
    };
    let booleans = all.iter().filter(|(_, ty)| *ty == ConstType::Bool);
    written(Written {
        names: (net.consts.iter())
            .map(|c| match c.found {
                true => (c.name.to_string(), found(&c.name)),
                false => (c.name.to_string(), c.name.clone()),
            })
            .collect(),
        open: (net.consts.iter().filter(|c| c.open))
            .map(|c| c.name.to_string())
            .collect(),
        any: any.map(|(name, _)| name.clone()).collect(),
        booleans: (booleans.map(|(name, _)| name.clone()))
            .chain(parameters(ast::ConstType::Bool))
            .collect(),
        bits: parameters(ast::ConstType::Float).collect(),
    });
}

/// The name under which a network hands out a constant.
pub(super) fn alias(name: &str) -> Ident {
    Kind::Size.alias(name)
}

/// The name under which it hands out the number of a constant of any type.
pub(super) fn number_alias(name: &str) -> Ident {
    Kind::Number.alias(name)
}

/// A name of a constant for networks that hold this one.
enum Kind {
    Size,
    Float,
    Bool,
    /// The number of a constant of any type.
    Number,
    /// The same as an integer, cut if it is none: a float does not hold each integer.
    Integer,
}

/// A constant of any type has a name as a size, one as a number and one as an integer. Those of an array are functions of
/// the index.
fn kinds(ty: ConstType) -> &'static [Kind] {
    match ty {
        ConstType::Size => &[Kind::Size],
        ConstType::Float => &[Kind::Float],
        ConstType::Bool => &[Kind::Bool],
        ConstType::Any | ConstType::Array => &[Kind::Size, Kind::Number, Kind::Integer],
    }
}

impl Kind {
    /// The name in the network that declares it.
    fn alias(&self, c: &str) -> Ident {
        match self {
            Kind::Number => format_ident!("__NETFORM_NUMBER_{}", flat(c)),
            Kind::Integer => format_ident!("__NETFORM_INTEGER_{}", flat(c)),
            _ => format_ident!("__NETFORM_{}", flat(c)),
        }
    }

    /// The name in a network that holds that one.
    fn copy(&self, of: &str) -> Ident {
        match self {
            Kind::Number => number_of(of),
            Kind::Integer => integer_of(of),
            _ => name_of(of),
        }
    }

    fn ty(&self) -> TokenStream {
        match self {
            Kind::Size => quote!(usize),
            Kind::Bool => quote!(bool),
            Kind::Float | Kind::Number => quote!(f64),
            Kind::Integer => quote!(i128),
        }
    }
}
