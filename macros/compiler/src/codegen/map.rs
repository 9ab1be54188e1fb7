//! Maps as types: each distinct body once.

use crate::dim::Dim;
use crate::ir::strides::{Strided, row_major};
use crate::ir::{DType, Instr, Map};
use crate::scalar::Scalar;
use netform_core::Number;
use proc_macro2::{Ident, Literal, Span, TokenStream};
use quote::{ToTokens, format_ident, quote};
use rustc_hash::FxHashMap;

/// The maps emitted so far.
#[derive(Default)]
pub struct Maps {
    known: FxHashMap<Key, usize>,
    /// The types and their implementations.
    pub items: TokenStream,
}

/// A map, as far as its type depends on it: its body, in which sizes and indices are numbers of scalars and operands.
#[derive(PartialEq, Eq, Hash)]
struct Key {
    body: Vec<Instr>,
    types: Vec<DType>,
    results: Vec<usize>,
    /// The number of operands in memory.
    loads: usize,
    innermost: Vec<Option<i64>>,
}

/// A map that can be called.
pub struct Call {
    /// The number of its type.
    pub map: usize,
    /// Dimensions whose values are its scalars.
    pub scalars: Vec<Dim>,
}

/// The dtype's token.
pub fn dtype(t: DType) -> TokenStream {
    match t {
        DType::Float => quote!(__nf::DType::Float),
        DType::Int => quote!(__nf::DType::Int),
        DType::Bool => quote!(__nf::DType::Bool),
    }
}

/// The iotas of a map, in the order of their operands.
pub fn iotas(map: &Map) -> Vec<usize> {
    let mut out = Vec::new();
    for i in &map.body {
        if let Instr::Iota(d) = i
            && !out.contains(d)
        {
            out.push(*d);
        }
    }
    out
}

/// The strides of an iota along dimension `d` of a map of this rank.
pub fn iota_strides(d: usize, rank: usize) -> Strided {
    let strides = (0..rank).map(|i| Dim::from(i64::from(i == d))).collect();
    Strided {
        start: Dim::from(0),
        strides,
    }
}

/// A stride along the innermost dimension, if it is 0 or 1.
fn inner(stride: &Option<Dim>) -> Option<i64> {
    let known = stride.as_ref().and_then(Dim::value);
    known.filter(|s| matches!(s, 0 | 1))
}

impl Maps {
    /// The type of a map whose operands (loads, then iotas) have these innermost strides.
    pub fn call(&mut self, map: &Map, innermost: &[Option<Dim>]) -> Call {
        let iotas = iotas(map);
        let mut scalars: Vec<Dim> = Vec::new();
        for i in &map.body {
            if let Instr::Size(d) = i
                && !scalars.contains(d)
            {
                scalars.push(d.clone());
            }
        }
        let innermost: Vec<Option<i64>> = innermost.iter().map(inner).collect();
        let numbered = |i: &Instr| match i {
            Instr::Iota(d) => Instr::Iota(operand_of(map, &iotas, *d)),
            Instr::Size(d) => Instr::Size(Dim::from(scalar_of(&scalars, d) as i64)),
            other => other.clone(),
        };
        let key = Key {
            body: map.body.iter().map(numbered).collect(),
            types: map.types.clone(),
            results: map.results.clone(),
            loads: map.access.len(),
            innermost,
        };
        if let Some(map) = self.known.get(&key).copied() {
            return Call { map, scalars };
        }
        let mut operands = Vec::new();
        for (k, stride) in key.innermost.iter().enumerate() {
            let inner = match stride {
                Some(0) => quote!(__nf::Inner::Zero),
                Some(_) => quote!(__nf::Inner::One),
                None => quote!(__nf::Inner::Many),
            };
            if k < map.access.len() {
                let t = map
                    .body
                    .iter()
                    .zip(&map.types)
                    .find(|(i, _)| **i == Instr::Load(k))
                    .map_or(DType::Float, |(_, t)| *t);
                let t = dtype(t);
                operands.push(quote!(__nf::Operand::new(#t, #inner)));
            } else {
                operands.push(quote!(__nf::Operand::iota(#inner)));
            }
        }
        let outputs = map.results.iter().map(|r| dtype(map.types[*r]));
        let steps = steps(map, &iotas, &scalars);
        let results = &map.results;
        let body = body(map, &iotas, &scalars);
        let number = self.known.len();
        let ident = name(number);
        self.items.extend(quote! {
            struct #ident;
            impl __nf::MapBody for #ident {
            const INPUTS: &'static [__nf::Operand] = &[#(#operands),*];
            const OUTPUTS: &'static [__nf::DType] = &[#(#outputs),*];
            #[inline(always)]
            fn apply<F: __nf::Float, L: __nf::Lanes<F>>(l: &mut L) {
                #body
            }
            fn body() -> __nf::Body {
                __nf::Body { inputs: Self::INPUTS, steps: const { &[#(#steps),*] }, results: const { &[#(#results),*] } }
            }
            }
        });
        self.known.insert(key, number);
        Call {
            map: number,
            scalars,
        }
    }
}

/// The name of a map's type.
pub fn name(map: usize) -> Ident {
    format_ident!("__Map{map}", span = Span::mixed_site())
}

/// The operand that is the index along a dimension.
fn operand_of(map: &Map, iotas: &[usize], dim: usize) -> usize {
    map.access.len() + iotas.iter().position(|x| *x == dim).unwrap_or(0)
}

/// The number of the scalar that is a size.
fn scalar_of(scalars: &[Dim], size: &Dim) -> usize {
    scalars.iter().position(|x| x == size).unwrap_or(0)
}

/// A float literal, infinities too.
pub fn number(v: f64) -> TokenStream {
    if v.is_finite() {
        let v = Literal::f64_suffixed(v);
        return quote!(#v);
    }
    let bits = Literal::u64_suffixed(v.to_bits());
    quote!(f64::from_bits(#bits))
}

/// An integer. The least `i64` has no literal, since its magnitude is not an `i64`.
pub fn integer(v: i64) -> TokenStream {
    match (v, v.checked_abs()) {
        (0.., _) => {
            let v = Literal::i64_suffixed(v);
            quote!(#v)
        }
        (_, Some(v)) => {
            let v = Literal::i64_suffixed(v);
            quote!(-#v)
        }
        (_, None) => quote!(i64::MIN),
    }
}

/// An element's value.
pub fn exact(value: Number) -> TokenStream {
    match value {
        Number::Float(v) => {
            let v = number(v);
            quote!(__nf::Number::Float(#v))
        }
        Number::Int(v) => {
            let v = integer(v);
            quote!(__nf::Number::Int(#v))
        }
        Number::Bool(v) => quote!(__nf::Number::Bool(#v)),
    }
}

fn body(map: &Map, iotas: &[usize], scalars: &[Dim]) -> TokenStream {
    let mut out = TokenStream::new();
    let var = |i: usize| format_ident!("v{i}", span = Span::mixed_site());
    for (i, instr) in map.body.iter().enumerate() {
        let v = var(i);
        let value = match instr {
            Instr::Load(k) => match map.types[i] {
                DType::Float => quote!(l.float(#k)),
                DType::Int => quote!(l.int(#k)),
                DType::Bool => quote!(l.mask(#k)),
            },
            Instr::Iota(d) => {
                let k = operand_of(map, iotas, *d);
                quote!(l.int(#k))
            }
            Instr::Const(t, bits) => {
                let c = f64::from_bits(*bits);
                match t {
                    DType::Float => {
                        let c = number(c);
                        quote!(__nf::Pack::<F>::splat(#c))
                    }
                    DType::Int => {
                        let c = integer(bits.cast_signed());
                        quote!(__nf::Ints::splat(#c))
                    }
                    DType::Bool => {
                        let c = c != 0.0;
                        quote!(__nf::Mask::splat(#c))
                    }
                }
            }
            Instr::Size(d) => {
                let k = scalar_of(scalars, d);
                quote!(l.scalar(#k))
            }
            Instr::Apply(f, args) => {
                let a: Vec<Ident> = args.iter().map(|a| var(*a)).collect();
                apply(*f, &a, map.types[args[0]], map.types[i])
            }
        };
        out.extend(quote!(let #v = #value;));
    }
    for (k, r) in map.results.iter().enumerate() {
        let v = var(*r);
        out.extend(match map.types[*r] {
            DType::Float => quote!(l.put_float(#k, #v);),
            DType::Int => quote!(l.put_int(#k, #v);),
            DType::Bool => quote!(l.put_mask(#k, #v);),
        });
    }
    out
}

/// The steps of a map as data.
fn steps(map: &Map, iotas: &[usize], scalars: &[Dim]) -> Vec<TokenStream> {
    let one = |i: &Instr| match i {
        Instr::Load(k) => quote!(__nf::Step::Load(#k)),
        Instr::Iota(d) => {
            let k = operand_of(map, iotas, *d);
            quote!(__nf::Step::Load(#k))
        }
        Instr::Const(t, bits) => {
            let c = f64::from_bits(*bits);
            let bits = match t {
                DType::Float => u64::from((c as f32).to_bits()),
                DType::Int => *bits,
                DType::Bool => u64::from(c != 0.0),
            };
            let t = dtype(*t);
            quote!(__nf::Step::Const(#t, #bits))
        }
        Instr::Size(d) => {
            let k = scalar_of(scalars, d);
            quote!(__nf::Step::Scalar(#k))
        }
        Instr::Apply(f, args) => {
            let f = match f {
                Scalar::Cast(to) => {
                    let to = dtype(*to);
                    quote!(Cast(#to))
                }
                f => Ident::new(f.variant(), Span::call_site()).into_token_stream(),
            };
            quote!(__nf::Step::Apply(__nf::Scalar::#f, &[#(#args),*]))
        }
    };
    map.body.iter().map(one).collect()
}

/// One scalar function; `from` is the first operand's type.
fn apply(f: Scalar, a: &[Ident], from: DType, to: DType) -> TokenStream {
    let x = &a[0];
    let y = a.get(1).unwrap_or(x);
    let z = a.get(2).unwrap_or(x);
    match f {
        Scalar::Add => quote!(#x + #y),
        Scalar::Sub => quote!(#x - #y),
        Scalar::Mul => quote!(#x * #y),
        Scalar::Div => quote!(#x / #y),
        Scalar::Neg if from == DType::Int => quote!(__nf::Ints::splat(0) - #x),
        Scalar::Neg => quote!(-#x),
        Scalar::And => quote!(#x & #y),
        Scalar::Or => quote!(#x | #y),
        Scalar::Not => quote!(!#x),
        Scalar::Where if to == DType::Int => quote!(#x.select_ints(#y, #z)),
        Scalar::Where => quote!(#x.select(#y, #z)),
        Scalar::Cast(DType::Float) => quote!(#x.to_float::<F>()),
        Scalar::Cast(DType::Int) => quote!(#x.to_ints()),
        Scalar::Cast(DType::Bool) => quote!(#x.to_mask()),
        f => {
            let method = Ident::new(f.name(), Span::call_site());
            if f.arity() == 1 {
                quote!(#x.#method())
            } else {
                quote!(#x.#method(#y))
            }
        }
    }
}

/// Row-major strides of a shape, as a strided operand.
pub fn whole(shape: &[Dim]) -> Strided {
    Strided {
        start: Dim::from(0),
        strides: row_major(shape),
    }
}
