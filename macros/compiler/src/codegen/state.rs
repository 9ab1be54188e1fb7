//! Values that functions keep from call to call: a struct `NetState` beside the network, and the argument of the
//! methods that use it.

use super::dims::unpack;
use super::generics::{Generics, generics};
use super::plan::{arg, lay_out};
use super::signatures::lower_names;
use crate::dim::numel;
use crate::lower::show_type;
use crate::net::{Net, Signature};
use proc_macro2::{Ident, Span, TokenStream};
use quote::{format_ident, quote};

/// The name of the argument: a user's argument may have it, too.
pub fn argument() -> Ident {
    Ident::new("state", Span::mixed_site())
}

fn name(net: &Net) -> Ident {
    format_ident!("{}State", net.name)
}

/// The argument of a function's methods, if it keeps anything.
pub fn parameter(net: &Net, s: &Signature) -> TokenStream {
    if s.states().next().is_none() {
        return TokenStream::new();
    }
    let Generics { used, device, .. } = generics(net);
    let (argument, name) = (argument(), name(net));
    quote!(#argument: &mut #name<#used #device>)
}

/// The struct, if anything is kept.
pub fn structure(net: &Net) -> TokenStream {
    if net.states.is_empty() {
        return TokenStream::new();
    }
    let (vis, krate, name) = (&net.vis, &net.krate, name(net));
    let Generics {
        declared,
        defaults,
        used,
        device: d,
        ..
    } = generics(net);
    let mut doc = format!(
        "What the functions of [`{}`] keep from call to call, made by its `state`:\n\n",
        net.name
    );
    for s in &net.states {
        doc += &format!("* `{}: {}`\n", s.name, show_type(&s.ty, &s.ty.shape));
    }
    quote! {
        #[doc = #doc]
        #vis struct #name<#defaults #d: #krate::__private::Device = #krate::__private::Cpu> {
            state: #krate::__private::State<#d>,
        }
        impl<#declared #d: #krate::__private::Device> #name<#used #d> {
            /// An independent copy.
            pub fn try_clone(&self) -> #krate::__private::Result<Self> {
                ::core::result::Result::Ok(Self { state: self.state.try_clone()? })
            }
        }
        impl<#declared #d: #krate::__private::Device> ::core::fmt::Debug for #name<#used #d> {
            fn fmt(&self, f: &mut ::core::fmt::Formatter<'_>) -> ::core::fmt::Result {
                ::core::fmt::Debug::fmt(&self.state, f)
            }
        }
        impl<#declared #d: #krate::__private::Device> ::core::ops::Deref for #name<#used #d> {
            type Target = #krate::__private::State<#d>;
            fn deref(&self) -> &Self::Target { &self.state }
        }
        impl<#declared #d: #krate::__private::Device> ::core::ops::DerefMut for #name<#used #d> {
            fn deref_mut(&mut self) -> &mut Self::Target { &mut self.state }
        }
    }
}

/// The items that create the struct.
pub fn items(net: &Net) -> TokenStream {
    if net.states.is_empty() {
        return TokenStream::new();
    }
    let state = name(net);
    let dims = net.kept_dims();
    let lower = lower_names(&dims);
    let Generics {
        declared,
        used,
        device: d,
        ..
    } = generics(net);
    // Apart from the plans, of which a network with variants has several sets.
    let items = quote!(__Kept::<#used>);
    let (network, network_name) = (net.name.to_string(), &net.name);
    let entries = net
        .states
        .iter()
        .map(|s| arg((&s.name.to_string(), s.ty.elem), &s.ty.shape, &dims, &[]));
    let values = net.states.iter().enumerate();
    let values = values.map(|(k, s)| (k, numel(&s.ty.shape), s.ty.elem.dtype()));
    let lay_out = lay_out(values);
    let (unpack, count) = (unpack(&dims, &quote!(return 0)), net.states.len());
    let doc =
        format!("What functions keep from call to call, for these sizes: zeros. See [`{state}`].");
    quote! {
        struct __Kept<#declared>;
        impl<#declared> #items {
            const __STATE: &'static __nf::StateSpec = &__nf::StateSpec {
                network: #network,
                dims: &[#(#dims),*],
                entries: &[#(#entries),*],
                layout: Self::__state_layout,
            };
            const fn __state_layout(dims: &[usize], float: usize, at: &mut [usize]) -> usize {
                #unpack
                #lay_out
            }
        }
        impl<#declared> #network_name<#used __nf::Cpu> {
            /// Bytes of the values kept from call to call, in `f32`.
            pub const fn state_memory(#(#lower: usize),*) -> usize {
                #items::__state_layout(&[#(#lower),*], 4, &mut [0; #count])
            }
        }
        impl<#declared #d: __nf::Device> #network_name<#used #d> {
            #[doc = #doc]
            pub fn state(&self, #(#lower: usize),*) -> __nf::Result<#state<#used #d>> {
                let device = ::core::clone::Clone::clone(self.core.device());
                ::core::result::Result::Ok(#state {
                    state: __nf::State::new(device, #items::__STATE, &[#(#lower),*])?,
                })
            }
        }
    }
}

/// The same for a network with errors.
pub fn skeleton(net: &Net) -> TokenStream {
    if net.states.is_empty() {
        return TokenStream::new();
    }
    let (network, state, lower) = (&net.name, name(net), lower_names(&net.kept_dims()));
    let Generics {
        declared,
        used,
        device: d,
        ..
    } = generics(net);
    quote! {
        impl<#declared> #network<#used __nf::Cpu> {
            pub const fn state_memory(#(#lower: usize),*) -> usize { 0 }
        }
        impl<#declared #d: __nf::Device> #network<#used #d> {
            pub fn state(&self, #(#lower: usize),*) -> __nf::Result<#state<#used #d>> { ::core::panic!() }
        }
    }
}
