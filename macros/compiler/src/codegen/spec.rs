//! The description of a variant's parameters, a constant that the runtime reads, and the checks of its constants.

use super::dims::usize;
use super::plan::{self, names};
use crate::dim::Dim;
use crate::elem::Elem;
use crate::ir::DType;
use crate::layers::Init;
use crate::net::Net;
use crate::program::{Mode, Program};
use proc_macro2::{Literal, Span, TokenStream};
use quote::quote;

/// The parameters' places, and the conditions of declarations and functions on the Rust constants.
pub(super) fn spec(net: &Net, programs: &[Program], chosen: TokenStream) -> TokenStream {
    let count = net.params.len();
    let lens: Vec<TokenStream> = (0..count).map(|p| usize(&net.param_len(p))).collect();
    let own = net
        .params
        .iter()
        .enumerate()
        .filter(|(_, p)| p.shared.is_none());
    let params = own.map(|(i, p)| {
        let (name, init) = (&p.name, init(&p.init));
        let (stack, shape) = p.shape.split_at(p.stack.len());
        let shape = shape.iter().map(usize);
        let mut more = TokenStream::new();
        if !stack.is_empty() {
            let stack = stack.iter().map(usize);
            more.extend(quote!(stack: &[#(#stack),*],));
        }
        if p.elem.dtype() != DType::Float {
            let dtype = super::map::dtype(p.elem.dtype());
            more.extend(quote!(dtype: #dtype,));
        }
        if p.optional {
            more.extend(quote!(optional: true,));
        }
        let usual = match (p.buffer, p.frozen) {
            (true, _) => quote!(BUFFER),
            (_, true) => quote!(FROZEN),
            _ => quote!(TRAINED),
        };
        quote! {
            __nf::ParamSpec {
                name: #name,
                shape: &[#(#shape),*],
                offset: Self::__OFFSETS[#i],
                init: #init,
                #more
                ..__nf::param::#usual
            }
        }
    });
    let shared = net
        .params
        .iter()
        .enumerate()
        .filter(|(_, p)| p.shared.is_some());
    let shared = shared.map(|(i, p)| {
        let (name, holder) = (&p.name, &net.params[net.holder(i)].name);
        let stack = p.stack.iter().map(usize);
        quote!(__nf::Shared { name: #name, holder: #holder, stack: &[#(#stack),*] })
    });
    let others = net.params.iter().enumerate();
    let others = others.filter(|(_, p)| p.elem != Elem::Float && p.shared.is_none());
    let others = others.map(|(i, p)| {
        let dtype = super::map::dtype(p.elem.dtype());
        quote!((#i, #dtype))
    });
    let trained = net.params.iter().enumerate().filter(|(_, p)| !p.buffer);
    let trained = trained.map(|(i, _)| i);
    let name = net.name.to_string();
    let mut demands = net.require.clone();
    for r in programs.iter().flat_map(|p| &p.constant) {
        if !demands.contains(r) {
            demands.push(r.clone());
        }
    }
    let asserts = demands.iter().map(|r| {
        let by = match r.by.as_str() {
            "" => String::new(),
            by => format!("{by}: "),
        };
        let (holds, text) = (
            plan::holds(&r.what),
            format!("`{}`: {by}{}{}", net.name, r.what, r.help()),
        );
        let span = Span::call_site().located_at(r.span);
        quote::quote_spanned!(span=> ::core::assert!(#holds, #text);)
    });
    let budgets = programs.iter().filter_map(|p| budget(net, p));
    let equalities = match net.generics.is_empty() {
        true => TokenStream::new(),
        false => equalities(net),
    };
    quote! {
        const __CHOSEN: bool = #chosen;
        const __CHECKED: () = if Self::__CHOSEN { #equalities #(#asserts)* #(#budgets)* };
        const __LENS: [usize; #count] = if Self::__CHOSEN { [#(#lens),*] } else { [0; #count] };
        const __OTHERS: &'static [(usize, __nf::DType)] = &[#(#others),*];
        const __OFFSETS: &'static [__nf::Offset] = &__nf::offsets(&Self::__LENS, Self::__OTHERS);
        const __PARAMS: &'static [__nf::ParamSpec] = if Self::__CHOSEN { &[#(#params),*] } else { &[] };
        const __SPEC: &'static __nf::NetSpec = &__nf::NetSpec {
            name: #name,
            params: Self::__PARAMS,
            shared: &[#(#shared),*],
            flat_len: __nf::flat_len(&Self::__LENS, Self::__OTHERS),
            other_bytes: __nf::other_bytes(&Self::__LENS, Self::__OTHERS),
            parameters: { let () = Self::__CHECKED; if Self::__CHOSEN { __nf::total(&Self::__LENS, &[#(#trained),*]) } else { 0 } },
        };
    }
}

/// Checks the equalities of constants under which the network was compiled, each at its token.
pub(super) fn equalities(net: &Net) -> TokenStream {
    let name = |d: &Dim| match d.value() {
        Some(_) => String::new(),
        None => format!("`{d}`"),
    };
    let checks = net.equal.pairs.iter().map(|pair| {
        let (left, right, text) = (usize(&pair.left), usize(&pair.right), &pair.text);
        let (first, second) = (name(&pair.left), name(&pair.right));
        let span = Span::call_site().located_at(pair.span);
        quote::quote_spanned!(span=> __nf::equal::same(#left, #right, #text, [#first, #second]);)
    });
    checks.collect()
}

/// Checks the budget of a workspace whose size only rustc knows.
fn budget(net: &Net, p: &Program) -> Option<TokenStream> {
    let budget = net.signatures[p.function].budget.as_ref()?;
    if p.mode == Mode::Draw || crate::budget::bytes(p).is_some() {
        return None;
    }
    let (layout, slots) = (names(net, p).layout, p.memory.slots.len());
    let max = Literal::u64_suffixed(budget.max);
    let text = format!(
        "`{}`: `{}` needs more memory than its budget of {}",
        net.name,
        crate::budget::method(net, p),
        budget.text
    );
    // At the span of the user's budget.
    let span = Span::call_site().located_at(budget.span);
    Some(quote::quote_spanned! {span=>
        let needed: usize = Self::#layout(&[], 4, &mut [0; #slots]);
        if needed as u64 > #max {
            __nf::equal::same(needed, #max as usize, #text, ["the number of bytes", ""]);
        }
    })
}

fn init(i: &Init) -> TokenStream {
    match i {
        Init::Constant(v) => {
            let v = Literal::f64_suffixed(*v);
            quote!(__nf::Init::Constant(#v))
        }
        Init::Formula(v) => {
            let v = super::dims::real(v);
            quote!(__nf::Init::Constant(#v))
        }
        Init::Uniform(v) => {
            let v = super::dims::real(v);
            quote!(__nf::Init::Uniform { bound: #v })
        }
        Init::FanIn(d) => {
            let d = usize(d);
            quote!(__nf::Init::FanIn { fan_in: #d })
        }
        Init::Xavier(a, b) => {
            let (a, b) = (usize(a), usize(b));
            quote!(__nf::Init::Xavier { fan_in: #a, fan_out: #b })
        }
        Init::XavierNormal(a, b) => {
            let (a, b) = (usize(a), usize(b));
            quote!(__nf::Init::XavierNormal { fan_in: #a, fan_out: #b })
        }
        Init::Normal(v) => {
            let v = super::dims::real(v);
            quote!(__nf::Init::Normal { std: #v })
        }
        Init::Between(low, high) => {
            let [low, high] = [low, high].map(super::dims::real);
            quote!(__nf::Init::Between { low: #low, high: #high })
        }
        Init::Gaussian(mean, std) => {
            let [mean, std] = [mean, std].map(super::dims::real);
            quote!(__nf::Init::Gaussian { mean: #mean, std: #std })
        }
        Init::Truncated(all) => {
            let [mean, std, low, high] = all.each_ref().map(super::dims::real);
            quote!(__nf::Init::Truncated { mean: #mean, std: #std, low: #low, high: #high })
        }
        Init::Scaled { fan, gain, normal } => {
            let (fan, gain) = (usize(fan), super::dims::real(gain));
            quote!(__nf::Init::Scaled { fan: #fan, gain: #gain, normal: #normal })
        }
        Init::Eye => quote!(__nf::Init::Eye),
        Init::Dirac(groups) => {
            let groups = usize(groups);
            quote!(__nf::Init::Dirac { groups: #groups })
        }
        Init::Orthogonal(gain) => {
            let gain = super::dims::real(gain);
            quote!(__nf::Init::Orthogonal { gain: #gain })
        }
        Init::Sparse(sparsity, std) => {
            let [sparsity, std] = [sparsity, std].map(super::dims::real);
            quote!(__nf::Init::Sparse { sparsity: #sparsity, std: #std })
        }
        Init::NormalZeroRow(row) => {
            let row = usize(row);
            quote!(__nf::Init::NormalZeroRow { row: #row })
        }
    }
}
