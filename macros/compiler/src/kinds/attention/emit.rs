//! The calls of attention and its gradient.

use super::Attention;
use crate::codegen::emit::{Emit, array, call};
use crate::dim::{Dim, Shape};
use crate::ir::strides::{Strided, row_major};
use proc_macro2::TokenStream;
use quote::quote;

/// The call of this name, with `saved` operands after those of attention.
pub fn attention(a: &Attention, at: &Emit, saved: usize, name: &TokenStream) -> TokenStream {
    let [b, h, l, e] = a.sizes(at.shape(0));
    let [_, _, s, v] = a.sizes(at.shape(2));
    let (interleaved, causal) = (a.interleaved, a.causal);
    let scale = match &a.scale {
        Some(scale) => at.real(scale),
        None => {
            let e = at.size(&e);
            quote!(1.0 / ((#e) as f64).sqrt())
        }
    };
    let dropout = match &a.dropout {
        Some(dropout) => {
            let (p, stream) = (at.real(&dropout.p), at.stream(dropout.stream));
            quote!(Some(__nf::Dropout { p: #p, stream: run.stream(#stream) }))
        }
        None => quote!(None),
    };
    let [b, h, l, e, s, v] = [b, h, l, e, s, v].map(|d| at.size(&d));
    let end = at.node().args.len();
    let results = 1 + at.node().more_results.len();
    let operands: Vec<TokenStream> = (0..end)
        .map(|i| at.x(i))
        .chain((0..results).map(|k| at.result(k)))
        .collect();
    let masks = (3..end - saved).map(|i| {
        let Strided { start, strides } = broadcast(at.shape(i));
        let (start, strides) = (at.size(&start), array(at.code, &strides));
        quote!(__nf::ScoreMask { start: #start, strides: #strides })
    });
    let attention = quote!(#name {
        size: __nf::Attention {
            batch: #b, heads: #h, queries: #l, keys: #s, width: #e, value_width: #v,
            interleaved: #interleaved, causal: #causal, scale: #scale, dropout: #dropout,
        },
        masks: &[#(#masks),*],
    });
    call(&attention, &operands)
}

/// How a mask is read in the scores' shape.
fn broadcast(shape: &Shape) -> Strided {
    let strides = shape.iter().zip(row_major(shape));
    let strides = strides.map(|(d, stride)| match d.is_one() {
        true => Dim::from(0),
        false => stride,
    });
    Strided {
        start: Dim::from(0),
        strides: strides.collect(),
    }
}
