//! The methods of a network: what each function's plans compute.

use super::chosen::{chain, choice};
use super::generics::generics;
use super::plan::{self, names};
use super::signatures::{Bodies, lower_names, optimizer, seed_names, signatures, tuple};
use crate::net::{Arg, Net};
use crate::program::{Mode, Program};
use crate::variant::Variant;
use proc_macro2::TokenStream;
use quote::{format_ident, quote};

pub(super) fn methods(net: &Net, index: usize, variants: &[Variant]) -> TokenStream {
    let s = &net.signatures[index];
    let all: Option<Vec<Bodies>> = variants
        .iter()
        .map(|v| bodies(&v.net, index, v.programs()))
        .collect();
    // A function of any rank has no methods.
    let Some(all) = all else {
        return TokenStream::new();
    };
    let part = |of: fn(&Bodies) -> &TokenStream| {
        chain(variants, all.iter().map(|b| of(b).clone()).collect())
    };
    let bodies = Bodies {
        infer: part(|b| &b.infer),
        vjp: part(|b| &b.vjp),
        backward: part(|b| &b.backward),
        accumulate: part(|b| &b.accumulate),
        step: part(|b| &b.step),
        draw: part(|b| &b.draw),
        train: part(|b| &b.train),
    };
    signatures(net, s, Some(&bodies))
}

/// The bodies of a function's methods in one variant.
pub(super) fn bodies(net: &Net, index: usize, programs: &[Program]) -> Option<Bodies> {
    let s = &net.signatures[index];
    let items = generics(net).items;
    let find = |mode| {
        programs
            .iter()
            .find(|p: &&Program| p.function == index && p.mode == mode)
    };
    let infer = find(Mode::Infer)?;
    let state = super::state::argument();
    let sources: Vec<TokenStream> = s
        .args
        .iter()
        .map(|a| match net.kept(&a.name).filter(|_| a.state) {
            Some(k) => quote!(#state.source(#k)),
            None => {
                let n = &a.name;
                quote!(__nf::Input::source(&#n))
            }
        })
        .collect();
    let kept = match s.states().next() {
        Some(_) => quote!(::core::option::Option::Some(&mut **#state)),
        None => quote!(::core::option::Option::None),
    };
    let plan::Names { plan, body, .. } = names(net, infer);
    let results = if s.is_scalar() {
        quote!(results.loss(0))
    } else {
        let all: Vec<TokenStream> = (0..s.ret.len())
            .map(|k| quote!(results.output(#k)?))
            .collect();
        let all = tuple(&all);
        quote!(::core::result::Result::Ok(#all))
    };
    let in_training = find(Mode::Train).map_or_else(TokenStream::new, |p| {
        let plan::Names { plan, body, .. } = names(net, p);
        quote! {
            let results = self.core.run_training(#items::#plan, &[#(#sources),*], #kept, |run, dims| #items::#body(run, dims))?;
            #results
        }
    });
    let infer = quote! {
        let results = self.core.infer(#items::#plan, &[#(#sources),*], #kept, |run, dims| #items::#body(run, dims))?;
        #results
    };
    let mut bodies = Bodies {
        infer,
        train: in_training,
        draw: find(Mode::Draw).map_or_else(TokenStream::new, |p| {
            let plan::Names { plan, body, .. } = names(net, p);
            let drawn = super::graph::drawn(net, p.function);
            quote! {
                let results = self.core.infer(#items::#plan, &[#(#sources),*], #kept, |run, dims| #items::#body(run, dims))?;
                __nf::draw::Picture::new(&#drawn, &results)
            }
        }),
        ..Bodies::default()
    };
    let count = |grad: &dyn Fn(&Arg) -> bool| s.args.iter().filter(|a| grad(a)).count();
    let grads = count(&|a| a.grad);
    // Results from number `first` on, each read when it is asked for.
    let outputs = |first: usize, n: usize| -> Vec<TokenStream> {
        let each = (first..first + n).map(|k| quote!(results.output(#k)?));
        each.collect()
    };
    let train = |p: &Program, accumulate: bool| {
        let plan::Names { plan, body, .. } = names(net, p);
        let seeds = seed_names(p.seeds.len());
        quote! {
            let results = self.core.train(#items::#plan, &[#(#sources,)* #(__nf::Input::source(&#seeds)),*], #kept, |run, dims| #items::#body(run, dims), #accumulate)?;
        }
    };
    if let Some(p) = find(Mode::Vjp) {
        let once = train(p, false);
        let returned = match grads {
            0 => quote!(()),
            n => tuple(&outputs(0, n)),
        };
        bodies.vjp = quote!(#once ::core::result::Result::Ok(#returned));
    }
    if let Some(p) = find(Mode::Backward) {
        let (once, more) = (train(p, false), train(p, true));
        let metrics = outputs(1, s.ret.len() - 1);
        let losses = [vec![quote!(results.loss(0)?)], metrics].concat();
        let mut all = losses.clone();
        if grads > 0 {
            all.push(tuple(&outputs(s.ret.len(), grads)));
        }
        let returned = |items: &[TokenStream]| match items {
            [_] => quote!(results.loss(0)),
            items => quote!(::core::result::Result::Ok((#(#items),*))),
        };
        let (losses, all) = (returned(&losses), returned(&all));
        let plan::Names { plan, body, .. } = names(net, p);
        let optimizer = optimizer();
        bodies.backward = quote!(#once #all);
        bodies.accumulate = quote!(#more #all);
        bodies.step = quote! {
            let results = self.core.step(#items::#plan, &[#(#sources),*], #kept, |run, dims| #items::#body(run, dims), #optimizer)?;
            #losses
        };
    }
    Some(bodies)
}

/// Constant functions of the named dimensions: the bytes of each function's workspace in `f32`.
pub(super) fn memories(variants: &[Variant], forced: &TokenStream) -> Vec<TokenStream> {
    let Some(first) = variants.first() else {
        return Vec::new();
    };
    let all = first.programs().iter().map(|p| {
        let signature = &first.net.signatures[p.function];
        let suffix = p.mode.suffix();
        let name = format_ident!("{}{suffix}_memory", signature.name);
        let dims = lower_names(&signature.dims);
        let doc = format!(
            "Bytes of the workspace in which `{}{suffix}` runs in `f32`, beside the parameters{}.",
            signature.name,
            match p.mode.has_gradients() {
                true => " and their gradients",
                false => "",
            }
        );
        let bytes = choice(variants, |v| {
            let same = |q: &&Program| q.function == p.function && q.mode == p.mode;
            let Some(p) = v.programs().iter().find(same) else {
                return quote!(0);
            };
            let (layout, slots) = (names(&v.net, p).layout, p.memory.slots.len());
            let items = generics(&v.net).items;
            quote!(#items::#layout(&[#(#dims),*], 4, &mut [0; #slots]))
        });
        quote! {
            #[doc = #doc]
            pub const fn #name(#(#dims: usize),*) -> usize { #forced #bytes }
        }
    });
    all.collect()
}
