//! The struct and its `impl`s.

use super::chosen::{choice, chosen, deferred};
use super::constants::{constants, free, if_found, record_constants, sizes};
use super::generics::{Generics, generics, items_name};
use super::map::Maps;
use super::methods::{memories, methods};
use super::outline::Outline;
use super::plan;
use super::signatures::{lower_names, signatures};
use super::spec::{equalities, spec};
use crate::diag::Message;
use crate::dim::show_shape;
use crate::net::{Field, FieldKind, Net};
use crate::variant::{Variant, Variants};
use netform_core::abi::{ABI, VERSION};
use proc_macro2::{Span, TokenStream};
use quote::{format_ident, quote, quote_spanned};

/// Everything for a network. `net` has its declarations and signatures, the variants have the rest; `suggested` are the
/// errors that there are if names of signatures are no constants.
pub fn network(net: &Net, variants: &Variants, suggested: &[Message]) -> TokenStream {
    record_constants(net);
    let (deferred, forced) = deferred(net, &variants.deferred());
    let suggested = super::constants::suggested(net, suggested);
    let variants = &variants.all[..];
    let (mut maps, mut outline) = (Maps::default(), Outline::default());
    let all = variants.iter().map(|v| items(v, &mut maps, &mut outline));
    let all: TokenStream = all.collect();
    let (maps, outline) = (maps.items, outline.items);
    let structure = structure(net);
    let (kept, kept_items) = (super::state::structure(net), super::state::items(net));
    let (consts, aliases) = constants(net, true);
    let sizes = sizes(net);
    let customs = super::custom::items(net);
    let pretrained = super::weights::pretrained(net, true);
    let (name, krate) = (&net.name, &net.krate);
    let Generics {
        declared,
        used,
        device: d,
        ..
    } = &generics(net);
    let methods: TokenStream = (0..net.signatures.len())
        .map(|i| methods(net, i, variants))
        .collect();
    let memory = memories(variants, &forced);
    let graph = choice(variants, |v| {
        super::graph::graph(&v.net, &generics(&v.net).items)
    });
    let spec = choice(variants, |v| {
        let items = generics(&v.net).items;
        quote!(#items::__SPEC)
    });
    let [spec, graph] = [spec, graph].map(|tokens| match forced.is_empty() {
        true => tokens,
        false => quote!({ #forced #tokens }),
    });
    quote! {
        #structure
        #kept
        #[allow(unused, nonstandard_style, trivial_numeric_casts, clippy::all, clippy::pedantic)]
        const _: () = {
            use #krate::__private as __nf;
            use __nf::Network as _;
            const _: () = __nf::abi::check(#ABI, #VERSION);
            #consts
            #sizes
            #suggested
            #deferred
            #maps
            #outline
            #all
            impl<#declared> #name<#used __nf::Cpu> {
                /// Number of parameters.
                pub const PARAMETERS: usize = { #spec }.parameters;
                /// Bytes of the parameters in `f32`.
                pub const WEIGHT_BYTES: usize = { #spec }.parameters * 4;
                #(#memory)*
                /// The static graph: prints as a table of layers; its functions draw themselves as DOT and SVG.
                pub fn graph() -> __nf::draw::Graph { #graph }
            }
            #aliases
            #kept_items
            #customs
            impl<#declared #d: __nf::Device> #name<#used #d> {
                /// A network on a device, its parameters initialised from a seed as PyTorch does.
                pub fn new(device: impl __nf::DeviceOf<#d>, seed: u64) -> __nf::Result<Self> {
                    let device = __nf::DeviceOf::device(device);
                    ::core::result::Result::Ok(Self { core: __nf::Core::new(device, seed, #spec)? })
                }
                #pretrained
                #methods
            }
            impl<#declared #d: __nf::Device> __nf::Network for #name<#used #d> {
                type Device = #d;
                const PARAMETERS: usize = { #spec }.parameters;
                const WEIGHT_BYTES: usize = { #spec }.parameters * 4;
                fn core(&self) -> &__nf::Core<#d> { &self.core }
                fn core_mut(&mut self) -> &mut __nf::Core<#d> { &mut self.core }
            }
        };
    }
}

/// The struct and its signatures only, so that the rest of a program keeps its types while the network has errors. The
/// values of the constants `read` were tried, so that these are not suggested.
pub fn skeleton(net: &Net, read: &[String]) -> TokenStream {
    shell(net, None, read)
}

/// The struct of a network that compiles only in fields that give numbers for its parameters: its use anywhere else is
/// an error, `why`.
pub fn in_fields(net: &Net, why: &str) -> TokenStream {
    shell(net, Some(why), &[])
}

fn shell(net: &Net, why: Option<&str>, read: &[String]) -> TokenStream {
    record_constants(net);
    let structure = structure(net);
    let (name, krate) = (&net.name, &net.krate);
    let Generics {
        declared,
        used,
        device: d,
        ..
    } = generics(net);
    let methods: TokenStream = net
        .signatures
        .iter()
        .filter(|s| !s.poisoned && !s.any_rank())
        .map(|s| signatures(net, s, None))
        .collect();
    let (kept, kept_items) = (super::state::structure(net), super::state::skeleton(net));
    let (refused, refuse) = refusal(net, why);
    let memory = net
        .signatures
        .iter()
        .filter(|s| !s.poisoned && !s.any_rank())
        .flat_map(|s| {
            let dims = lower_names(&s.dims);
            let suffixes: &[&str] = match (s.is_scalar(), s.is_loss()) {
                (true, _) => &["", "_backward"],
                (_, true) => &["", "_backward", "_vjp"],
                _ => &["", "_vjp"],
            };
            let trained = s.train.then_some("_train");
            suffixes
                .iter()
                .copied()
                .chain(trained)
                .map(|suffix| {
                    let name = format_ident!("{}{suffix}_memory", s.name);
                    quote!(pub const fn #name(#(#dims: usize),*) -> usize { #refuse 0 })
                })
                .collect::<Vec<_>>()
        });
    let (consts, aliases) = constants(net, why.is_some());
    let (aliases, free) = match why {
        Some(_) => (aliases, TokenStream::new()),
        None => (TokenStream::new(), free(net, read)),
    };
    // A name that is no constant is reported beside the other errors.
    let open = net.consts.iter().map(|c| &c.name);
    let pretrained = super::weights::pretrained(net, false);
    quote! {
        #structure
        #kept
        #[allow(unused, nonstandard_style, trivial_numeric_casts, clippy::all, clippy::pedantic)]
        const _: () = {
            use #krate::__private as __nf;
            #consts
            #aliases
            #(const _: () = { let _ = &#open; };)*
            #free
            #refused
            impl<#declared> #name<#used __nf::Cpu> {
                pub const PARAMETERS: usize = { #refuse 0 };
                pub const WEIGHT_BYTES: usize = { #refuse 0 };
                #(#memory)*
                pub fn graph() -> __nf::draw::Graph { #refuse ::core::panic!() }
            }
            impl<#declared #d: __nf::Device> #name<#used #d> {
                pub fn new(device: impl __nf::DeviceOf<#d>, seed: u64) -> __nf::Result<Self> { #refuse ::core::panic!() }
                #pretrained
                #methods
            }
            #kept_items
            impl<#declared #d: __nf::Device> __nf::Network for #name<#used #d> {
                type Device = #d;
                const PARAMETERS: usize = { #refuse 0 };
                const WEIGHT_BYTES: usize = { #refuse 0 };
                fn core(&self) -> &__nf::Core<#d> { ::core::panic!() }
                fn core_mut(&mut self) -> &mut __nf::Core<#d> { ::core::panic!() }
            }
        };
    }
}

/// The constant whose evaluation reports `why`, and the statement that evaluates it.
fn refusal(net: &Net, why: Option<&str>) -> (TokenStream, TokenStream) {
    let Some(why) = why else {
        return (TokenStream::new(), TokenStream::new());
    };
    let Generics { declared, used, .. } = generics(net);
    let span = Span::call_site().located_at(net.name.span());
    let items = quote_spanned! {span=>
        struct __InFields<#declared>;
        impl<#declared> __InFields<#used> {
            const CHECK: () = ::core::panic!("{}", #why);
        }
    };
    (items, quote!(let () = __InFields::<#used>::CHECK;))
}

/// The constants of a variant: its parameters, its plans, and its functions of runtime calls.
fn items(variant: &Variant, maps: &mut Maps, outline: &mut Outline) -> TokenStream {
    let net = &variant.net;
    let programs = variant.programs();
    let plans: TokenStream = (programs.iter())
        .map(|p| plan::items(net, p, maps, outline))
        .collect();
    let spec = spec(net, programs, if_found(net, chosen(&variant.answers)));
    let (layers, graphs) = super::graph::items(net, programs);
    let fits = super::weights::fits(net);
    let name = items_name(net);
    let Generics {
        declared, items, ..
    } = generics(net);
    // Those of const parameters are checked where the parameters have values.
    let equal = net.generics.is_empty().then(|| {
        let checks = equalities(net);
        quote!(const _: () = if #items::__CHOSEN { #checks };)
    });
    quote! {
        #graphs
        struct #name<#declared>;
        impl<#declared> #items {
            #spec
            #layers
            #plans
        }
        #equal
        #fits
    }
}

fn structure(net: &Net) -> TokenStream {
    let (attrs, vis, name, krate) = (&net.attrs, &net.vis, &net.name, &net.krate);
    let table = table(net);
    let Generics {
        defaults,
        device: d,
        ..
    } = generics(net);
    quote! {
        #(#attrs)*
        #[doc = #table]
        #vis struct #name<#defaults #d: #krate::__private::Device = #krate::__private::Cpu> {
            core: #krate::__private::Core<#d>,
        }
    }
}

/// The table of layers for the struct's documentation.
fn table(net: &Net) -> String {
    let mut out = String::from("\n\n| field | declared as | parameters |\n|---|---|---|\n");
    let single = |f: &&Field| !matches!(f.kind, FieldKind::Group { .. });
    for f in net.fields.iter().filter(single) {
        let declared = f.decl.split_once(": ").map_or("", |d| d.1);
        let params: Vec<String> = f
            .params
            .clone()
            .map(|i| {
                let p = &net.params[i];
                let last = p.name.rsplit('.').next().unwrap_or(&p.name);
                if p.shared.is_some() {
                    return format!("`{last}` = `{}`", net.params[net.holder(i)].name);
                }
                format!(
                    "`{last}` {}",
                    show_shape(&p.shape[p.stack.len()..])
                        .replace('[', "\\[")
                        .replace(']', "\\]")
                )
            })
            .collect();
        out += &format!("| `{}` | `{declared}` | {} |\n", f.path, params.join(", "));
    }
    if net.fields.is_empty() {
        out += "| none | | |\n";
    }
    out
}
