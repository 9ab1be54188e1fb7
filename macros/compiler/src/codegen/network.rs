//! The struct, its descriptions and its methods.

use super::dims::{constant, flat, usize, written};
use super::map::Maps;
use super::plan::{self, names};
use crate::check::bare;
use crate::condition::Condition;
use crate::dim::{Atom, Dim, Shape, show_shape};
use crate::elem::Elem;
use crate::layers::Init;
use crate::lower::show_type;
use crate::net::{Arg, Field, FieldKind, Net, Signature};
use crate::program::{Mode, Program};
use crate::variant::Variant;
use netform_core::abi::{ABI, VERSION};
use proc_macro2::{Ident, Literal, Span, TokenStream};
use quote::{format_ident, quote};

/// The const parameters, and the device, as lists for `impl`s and types.
pub(super) struct Generics {
    /// `const D: usize, const HEADS: usize,`.
    pub declared: TokenStream,
    /// The same with defaults.
    pub defaults: TokenStream,
    /// `D, HEADS,`.
    pub used: TokenStream,
    /// The constants that the methods use, for these parameters.
    pub items: TokenStream,
    /// The name of the device's type parameter.
    pub device: Ident,
}

pub(super) fn generics(net: &Net) -> Generics {
    let names: Vec<&Ident> = net.generics.iter().map(|g| &g.name).collect();
    let defaults = net.generics.iter().map(|g| {
        let (name, default) = (&g.name, g.default.as_ref().map(|d| quote!(= #d)));
        quote!(const #name: usize #default)
    });
    let items = items_name(net);
    Generics {
        declared: quote!(#(const #names: usize,)*),
        defaults: quote!(#(#defaults,)*),
        used: quote!(#(#names,)*),
        items: quote!(#items::<#(#names,)*>),
        device: net.device.clone(),
    }
}

/// The name of the constants of a variant.
fn items_name(net: &Net) -> Ident {
    format_ident!("__Items{}", super::graph::suffix(net))
}

/// Everything for a network. `net` has its declarations and signatures, the variants have the rest.
pub fn network(net: &Net, variants: &[Variant]) -> TokenStream {
    written(net.consts.iter().map(|c| c.name.clone()));
    let mut maps = Maps::default();
    let all: TokenStream = variants.iter().map(|v| items(v, &mut maps)).collect();
    let maps = maps.items;
    let structure = structure(net);
    let (kept, kept_items) = (super::state::structure(net), super::state::items(net));
    let (consts, aliases) = constants(net);
    let free = free(net);
    let customs = super::custom::items(net);
    let pretrained = super::weights::pretrained(net, true);
    let fits = super::weights::fits(net);
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
    let memory = memories(variants);
    let graph = choice(variants, |v| {
        super::graph::graph(&v.net, &generics(&v.net).items)
    });
    let spec = choice(variants, |v| {
        let items = generics(&v.net).items;
        quote!(#items::__SPEC)
    });
    quote! {
        #structure
        #kept
        #[allow(unused, nonstandard_style, clippy::all, clippy::pedantic)]
        const _: () = {
            use #krate::__private as __nf;
            use __nf::Network as _;
            const _: () = __nf::abi::check(#ABI, #VERSION);
            #consts
            #free
            #maps
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
            #fits
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

/// The constants of a variant: its parameters, its plans, and its functions of runtime calls.
fn items(variant: &Variant, maps: &mut Maps) -> TokenStream {
    let net = &variant.net;
    let programs = variant.programs();
    let plans: TokenStream = (programs.iter())
        .map(|p| plan::items(net, p, maps))
        .collect();
    let spec = spec(net, programs, chosen(variant));
    let (layers, graphs) = super::graph::items(net, programs);
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
    }
}

/// Whether rustc finds a variant's answers.
fn chosen(variant: &Variant) -> TokenStream {
    let answers = variant.answers.iter().map(|(condition, holds)| {
        let condition = condition_tokens(condition);
        quote!((#condition) == #holds)
    });
    quote!(true #(&& #answers)*)
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
fn choice(variants: &[Variant], of: impl Fn(&Variant) -> TokenStream) -> TokenStream {
    chain(variants, variants.iter().map(of).collect())
}

/// The same, given the tokens of each variant.
fn chain(variants: &[Variant], mut each: Vec<TokenStream>) -> TokenStream {
    let end = each.pop().unwrap_or_default();
    let others = variants.iter().zip(&each).rev();
    others.fold(end, |rest, (variant, this)| {
        let items = generics(&variant.net).items;
        quote!(if #items::__CHOSEN { #this } else { #rest })
    })
}

/// The struct and its signatures only, so that the rest of a program keeps its types while the network has errors.
pub fn skeleton(net: &Net) -> TokenStream {
    written(net.consts.iter().map(|c| c.name.clone()));
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
                    quote!(pub const fn #name(#(#dims: usize),*) -> usize { 0 })
                })
                .collect::<Vec<_>>()
        });
    let ((consts, _), free) = (constants(net), free(net));
    let pretrained = super::weights::pretrained(net, false);
    quote! {
        #structure
        #kept
        #[allow(unused, nonstandard_style, clippy::all)]
        const _: () = {
            use #krate::__private as __nf;
            #consts
            #free
            impl<#declared> #name<#used __nf::Cpu> {
                pub const PARAMETERS: usize = 0;
                pub const WEIGHT_BYTES: usize = 0;
                #(#memory)*
                pub fn graph() -> __nf::draw::Graph { ::core::panic!() }
            }
            impl<#declared #d: __nf::Device> #name<#used #d> {
                pub fn new(device: impl __nf::DeviceOf<#d>, seed: u64) -> __nf::Result<Self> { ::core::panic!() }
                #pretrained
                #methods
            }
            #kept_items
            impl<#declared #d: __nf::Device> __nf::Network for #name<#used #d> {
                type Device = #d;
                const PARAMETERS: usize = 0;
                const WEIGHT_BYTES: usize = 0;
                fn core(&self) -> &__nf::Core<#d> { ::core::panic!() }
                fn core_mut(&mut self) -> &mut __nf::Core<#d> { ::core::panic!() }
            }
        };
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

/// The Rust constants. The first result checks the network's constants, each with the span in the user's code, so that
/// a wrong type is underlined there, and copies the constants of networks in fields. The second names all of them for
/// networks that hold this one.
fn constants(net: &Net) -> (TokenStream, TokenStream) {
    let own = net.consts.iter().filter(|c| !c.open);
    let own = own.map(|c| match (&c.name, c.float) {
        (c, false) => quote!(const _: usize = #c;),
        (c, true) => quote!(const _: f64 = #c;),
    });
    let held = net.held.iter().flat_map(|h| {
        let (path, zeros) = (&h.path, vec![quote!(0); h.generics]);
        let prefix = crate::ast::show_path(path);
        h.consts.iter().map(move |(c, float)| {
            let copy = constant(&format!("{prefix}::{c}"));
            let (name, ty) = (
                format_ident!("__NETFORM_{}", flat(c)),
                constant_type(*float),
            );
            quote!(const #copy: #ty = #(#path)::*::<#(#zeros,)* __nf::Cpu>::#name;)
        })
    });
    let consts = quote!(#(#own)* #(#held)*);
    let all = net.all_consts();
    if all.is_empty() {
        return (consts, TokenStream::new());
    }
    let (name, zeros) = (&net.name, vec![quote!(0); net.generics.len()]);
    let all = all.iter().map(|(c, float)| {
        let (value, name) = (constant(c), format_ident!("__NETFORM_{}", flat(c)));
        let ty = constant_type(*float);
        quote!(#[doc(hidden)] pub const #name: #ty = #value;)
    });
    let aliases = quote!(impl #name<#(#zeros,)* __nf::Cpu> { #(#all)* });
    (consts, aliases)
}

/// Checks that each named dimension is a name, and not a Rust constant that only its signature mentions: as a pattern, a
/// constant matches one number alone.
fn free(net: &Net) -> TokenStream {
    let checks = net.names.iter().map(|name| {
        let text = format!(
            "the dimension `{name}` has the name of a Rust constant\nhelp: to use the constant, write `use const {name};` before `struct {}`",
            net.name
        );
        let span = Span::call_site().located_at(name.span());
        quote::quote_spanned! {span=>
            const _: () = ::core::assert!(
                match 0 { #name => true, _ => false } && match 1 { #name => true, _ => false },
                #text,
            );
        }
    });
    checks.collect()
}

fn constant_type(float: bool) -> TokenStream {
    match float {
        true => quote!(f64),
        false => quote!(usize),
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

/// The parameters' places, and the conditions of declarations and functions on the Rust constants.
fn spec(net: &Net, programs: &[Program], chosen: TokenStream) -> TokenStream {
    let count = net.params.len();
    let lens: Vec<TokenStream> = (0..count).map(|p| usize(&net.param_len(p))).collect();
    let own = net
        .params
        .iter()
        .enumerate()
        .filter(|(_, p)| p.shared.is_none());
    let params = own.map(|(i, p)| {
        let (name, frozen, buffer, optional) = (&p.name, p.frozen, p.buffer, p.optional);
        let dtype = super::map::dtype(p.elem.dtype());
        let (stack, shape) = p.shape.split_at(p.stack.len());
        let (stack, shape) = (stack.iter().map(usize), shape.iter().map(usize));
        let init = init(&p.init);
        quote! {
            __nf::ParamSpec {
                name: #name,
                stack: &[#(#stack),*],
                shape: &[#(#shape),*],
                dtype: #dtype,
                offset: Self::__OFFSETS[#i],
                init: #init,
                frozen: #frozen,
                buffer: #buffer,
                optional: #optional,
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
    let trained = lens.iter().zip(&net.params).filter(|(_, p)| !p.buffer);
    let trained = trained.map(|(len, _)| len);
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
        const __OFFSETS: [__nf::Offset; #count] = __nf::offsets(&Self::__LENS, Self::__OTHERS);
        const __PARAMS: &'static [__nf::ParamSpec] = if Self::__CHOSEN { &[#(#params),*] } else { &[] };
        const __SPEC: &'static __nf::NetSpec = &__nf::NetSpec {
            name: #name,
            params: Self::__PARAMS,
            shared: &[#(#shared),*],
            flat_len: __nf::flat_len(&Self::__LENS, Self::__OTHERS),
            other_bytes: __nf::other_bytes(&Self::__LENS, Self::__OTHERS),
            parameters: { let () = Self::__CHECKED; if Self::__CHOSEN { __nf::total(&[#(#trained),*]) } else { 0 } },
        };
    }
}

/// Checks the equalities of constants under which the network was compiled, each at its token.
fn equalities(net: &Net) -> TokenStream {
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
            __nf::equal::same(needed, #max as usize, #text, ["the workspace in bytes", ""]);
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
            let (fan, gain) = (usize(fan), super::dims::float(*gain));
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
            let row = Literal::usize_unsuffixed(usize::try_from(*row).unwrap_or(0));
            quote!(__nf::Init::NormalZeroRow { row: #row })
        }
    }
}

/// Constant functions of the named dimensions: the bytes of each function's workspace in `f32`.
fn memories(variants: &[Variant]) -> Vec<TokenStream> {
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
            pub const fn #name(#(#dims: usize),*) -> usize { #bytes }
        }
    });
    all.collect()
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

/// The optimizer of a `_step`: a user's argument may have this name, too.
fn optimizer() -> Ident {
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
fn tuple(items: &[TokenStream]) -> TokenStream {
    match items {
        [one] => one.clone(),
        _ => quote!((#(#items),*)),
    }
}

/// The bodies of the generated methods.
#[derive(Default)]
struct Bodies {
    infer: TokenStream,
    vjp: TokenStream,
    backward: TokenStream,
    accumulate: TokenStream,
    step: TokenStream,
    draw: TokenStream,
    train: TokenStream,
}

fn methods(net: &Net, index: usize, variants: &[Variant]) -> TokenStream {
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
fn bodies(net: &Net, index: usize, programs: &[Program]) -> Option<Bodies> {
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

fn seed_names(n: usize) -> Vec<Ident> {
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

/// The methods of one function, with bodies or (for a network with errors) without.
fn signatures(net: &Net, s: &Signature, bodies: Option<&Bodies>) -> TokenStream {
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
