//! The declarations of methods: arguments, results, documentation.

use super::dims::constant;
use crate::check::bare;
use crate::dim::{Atom, Dim, Shape};
use crate::elem::Elem;
use crate::lower::show_type;
use crate::net::{Net, Signature};
use proc_macro2::{Ident, Literal, Span, TokenStream};
use quote::{format_ident, quote};

/// The bodies of the generated methods.
#[derive(Default)]
pub(super) struct Bodies {
    pub infer: TokenStream,
    pub vjp: TokenStream,
    pub backward: TokenStream,
    pub accumulate: TokenStream,
    pub step: TokenStream,
    pub draw: TokenStream,
    pub train: TokenStream,
}

/// The methods of one function, with bodies or (for a network with errors) without.
pub(super) fn signatures(net: &Net, s: &Signature, bodies: Option<&Bodies>) -> TokenStream {
    let (name, attrs, d) = (&s.name, &s.attrs, &net.device);
    let none = quote!(::core::panic!());
    let part = |f: fn(&Bodies) -> &TokenStream| bodies.map_or(none.clone(), |b| f(b).clone());
    let args: Vec<TokenStream> = s
        .args
        .iter()
        .filter(|a| !a.state)
        .map(|a| {
            let class = match a.ty.elem {
                Elem::Float => quote!(FloatArg),
                Elem::Bool => quote!(BoolArg),
                _ => quote!(IntArg),
            };
            let (n, shape) = (&a.name, shape_type(&a.ty.shape));
            quote!(#n: impl __nf::Input<__nf::#class, #shape>)
        })
        .collect();
    let state = super::state::parameter(net, s);
    let floats: Vec<&crate::net::Type> = s.ret.iter().filter(|t| t.elem == Elem::Float).collect();
    let seeds: Vec<TokenStream> = seed_names(floats.len())
        .iter()
        .zip(&floats)
        .map(|(n, t)| {
            let shape = shape_type(&t.shape);
            quote!(#n: impl __nf::Input<__nf::FloatArg, #shape>)
        })
        .collect();
    let row = |elem, shape: &Shape| {
        let row = row_type(d, elem, shape);
        quote!(__nf::Output<#d, #row>)
    };
    let grads: Vec<TokenStream> = s
        .args
        .iter()
        .filter(|a| a.grad)
        .map(|a| row(Elem::Float, &a.ty.shape))
        .collect();
    let shown: Vec<String> = s
        .args
        .iter()
        .map(|a| format!("{}: {}", a.name, show_type(&a.ty, &a.ty.shape)))
        .collect();
    let rets: Vec<String> = s.ret.iter().map(|t| show_type(t, &t.shape)).collect();
    let doc = format!("\n\nFrom `{}` to `{}`.", shown.join(", "), rets.join(", "));
    let (infer, backward, accumulate, step) = (
        part(|b| &b.infer),
        part(|b| &b.backward),
        part(|b| &b.accumulate),
        part(|b| &b.step),
    );
    let rows: Vec<TokenStream> = s.ret.iter().map(|t| row(t.elem, &t.shape)).collect();
    let gradients = match grads.len() {
        0 => quote!(()),
        _ => tuple(&grads),
    };
    let result = match s.is_scalar() {
        true => quote!(__nf::Loss<#d>),
        false => tuple(&rows),
    };
    let forward = quote! {
        #(#attrs)*
        #[doc = #doc]
        pub fn #name(&self, #(#args,)* #state) -> __nf::Result<#result> { #infer }
    };
    let vjp = (!s.is_scalar() && !floats.is_empty()).then(|| {
        let (vjp, body) = (format_ident!("{name}_vjp"), part(|b| &b.vjp));
        let doc = format!(
            "Runs `{name}` forward and backward from the gradients of its results; leaves the parameters' gradients in the network and returns those of `#[grad]` arguments."
        );
        quote! {
            #[doc = #doc]
            pub fn #vjp(&mut self, #(#args,)* #(#seeds,)* #state) -> __nf::Result<#gradients> { #body }
        }
    });
    let in_training = s.train.then(|| {
        let (f_train, body) = (format_ident!("{name}_train"), part(|b| &b.train));
        let doc = format!(
            "Runs `{name}` in training mode without gradients: dropout is on, and batch normalisation updates its running statistics."
        );
        quote! {
            #[doc = #doc]
            pub fn #f_train(&mut self, #(#args,)* #state) -> __nf::Result<#result> { #body }
        }
    });
    if !s.is_loss() {
        return quote!(#forward #in_training #vjp);
    }
    let losses = [vec![quote!(__nf::Loss<#d>)], rows[1..].to_vec()].concat();
    let mut back = losses.clone();
    if !grads.is_empty() {
        back.push(gradients);
    }
    let (losses, back) = (tuple(&losses), tuple(&back));
    let (f_backward, f_accumulate, f_step) = (
        format_ident!("{name}_backward"),
        format_ident!("{name}_accumulate"),
        format_ident!("{name}_step"),
    );
    let backward_doc = format!(
        "Runs `{name}` in training mode, forward and backward; overwrites the gradients in the network."
    );
    let accumulate_doc = format!("As `{name}_backward`, but adds to the gradients in the network.");
    let optimizer = optimizer();
    let step_doc = format!("A whole training step: `{name}_backward` and the optimizer's update.");
    let drawing = s.draw.then(|| {
        let f_draw = format_ident!("{name}_draw");
        let body = part(|b| &b.draw);
        let draw_doc = format!(
            "Runs `{name}` forward and backward and keeps every value on the way, for a picture. Changes nothing in the network; dropout is off."
        );
        quote! {
            #[doc = #draw_doc]
            pub fn #f_draw(&self, #(#args,)* #state) -> __nf::Result<__nf::draw::Picture> { #body }
        }
    });
    quote! {
        #drawing
        #forward
        #in_training
        #vjp
        #[doc = #backward_doc]
        pub fn #f_backward(&mut self, #(#args,)* #state) -> __nf::Result<#back> { #backward }
        #[doc = #accumulate_doc]
        pub fn #f_accumulate(&mut self, #(#args,)* #state) -> __nf::Result<#back> { #accumulate }
        #[doc = #step_doc]
        pub fn #f_step<__O: __nf::Optimizer>(&mut self, #optimizer: &mut __O, #(#args,)* #state) -> __nf::Result<#losses> { #step }
    }
}

/// Named dimensions as arguments: in lower case, unless that is a keyword or taken.
pub(super) fn lower_names(dims: &[String]) -> Vec<Ident> {
    let mut out: Vec<Ident> = Vec::new();
    for d in dims {
        let mut name = d.to_lowercase();
        while syn::parse_str::<Ident>(&name).is_err() || out.iter().any(|o| *o == name) {
            name.push('_');
        }
        out.push(Ident::new(&name, Span::mixed_site()));
    }
    out
}

pub(super) fn seed_names(n: usize) -> Vec<Ident> {
    let name = |i| {
        if n == 1 {
            "dy".to_owned()
        } else {
            format!("dy_{i}")
        }
    };
    (0..n)
        .map(|i| Ident::new(&name(i), Span::mixed_site()))
        .collect()
}

/// The optimizer of a `_step`: a user's argument may have this name, too.
pub(super) fn optimizer() -> Ident {
    Ident::new("optimizer", Span::mixed_site())
}

/// The type-level shape of an argument.
fn shape_type(shape: &Shape) -> TokenStream {
    let items = shape.iter().map(|d| match fixed(d) {
        Some(n) => quote!(__nf::Len<#n>,),
        None => quote!(__nf::Dyn,),
    });
    quote!((#(#items)*))
}

/// A dimension that a Rust type can carry: a literal or a bare Rust constant.
fn fixed(d: &Dim) -> Option<TokenStream> {
    if let Some(v) = d.value() {
        let v = Literal::usize_unsuffixed(usize::try_from(v).ok()?);
        return Some(quote!(#v));
    }
    let mut found = None;
    d.visit(&mut |a| {
        if let Atom::Const(n) = a {
            found = Some(n.clone());
        }
    });
    let name = found?;
    (bare(d).is_none() && *d == Dim::atom(Atom::Const(name.clone()))).then(|| {
        let c = constant(&name);
        quote!({ #c })
    })
}

/// The element of an output's slice: nested arrays of the fixed trailing dimensions.
fn row_type(d: &Ident, elem: Elem, shape: &Shape) -> TokenStream {
    let mut out = match elem {
        Elem::Float => quote!(<#d as __nf::Device>::Float),
        Elem::U32 => quote!(u32),
        Elem::I32 => quote!(i32),
        Elem::I64 => quote!(i64),
        Elem::Bool => quote!(bool),
    };
    for d in shape.iter().skip(1).rev() {
        match fixed(d) {
            Some(n) if d.value() != Some(0) => out = quote!([#out; #n]),
            _ => break,
        }
    }
    out
}

/// One value or a tuple.
pub(super) fn tuple(items: &[TokenStream]) -> TokenStream {
    match items {
        [one] => one.clone(),
        _ => quote!((#(#items),*)),
    }
}
