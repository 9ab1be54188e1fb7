//! Parts of runtime calls, for the kinds of nodes.

use crate::dim::{Dim, Shape, numel};
use crate::ir::strides::blocks;
use crate::ir::{Node, Reads, Reduce};
use netform_core::Combiner;
use proc_macro2::{Ident, Span, TokenStream};
use quote::quote;

pub use super::map::{dtype, exact, number};
pub use super::names::{custom_name, custom_ptx};
pub use crate::ir::emit::{Code, Emit};

/// A side of a copy.
pub struct Side<'a> {
    /// The view.
    pub view: TokenStream,
    /// The first element.
    pub start: &'a Dim,
    /// Strides; true for backwards.
    pub strides: &'a [(bool, Dim)],
}

/// A strided copy of `shape`.
pub fn copy(code: &dyn Code, shape: &Shape, src: Side, dst: Side) -> TokenStream {
    let window = |Side {
                      view,
                      start,
                      strides,
                  }: Side| {
        let start = code.size(start);
        let strides = strides.iter().map(|(back, s)| {
            let s = code.size(s);
            match back {
                true => quote!(-((#s) as isize)),
                false => quote!((#s) as isize),
            }
        });
        quote!(__nf::Window { view: #view, start: #start, strides: [#(#strides),*] })
    };
    let (src, dst) = (window(src), window(dst));
    let r = shape.len();
    let shape = shape.iter().map(|d| code.size(d));
    quote!(run.copy::<#r>([#(#shape),*], #src, #dst);)
}

/// The op that reads at positions, and their origin, for messages.
pub fn reads(code: &dyn Code, node: &Node, what: &Reads) -> TokenStream {
    let (site, index) = (code.site(node.span, &what.by), &what.index);
    let shape = what.shape.iter().map(|d| code.size(d));
    quote!(__nf::Reads { site: #site, index: #index, shape: &[#(#shape),*] })
}

/// A result of integers, for messages.
pub fn written(code: &dyn Code, node: &Node, text: &str) -> TokenStream {
    let what = Reads {
        by: String::new(),
        index: format!("`{text}`"),
        shape: node.shape.clone(),
    };
    reads(code, node, &what)
}

/// Sizes as an array.
pub fn array(code: &dyn Code, sizes: &[Dim]) -> TokenStream {
    let sizes = sizes.iter().map(|d| code.size(d));
    quote!([#(#sizes),*])
}

/// Strides, all forwards.
pub fn forwards(strides: &[Dim]) -> Vec<(bool, Dim)> {
    strides.iter().map(|s| (false, s.clone())).collect()
}

/// A dimension of a shape, with the sizes before and after it.
pub fn axis(code: &dyn Code, shape: &Shape, dim: usize) -> TokenStream {
    block(code, shape, &[dim])
}

/// The same for neighbouring dimensions.
pub fn block(code: &dyn Code, shape: &Shape, dims: &[usize]) -> TokenStream {
    let [outer, n, inner] = blocks(dims, shape.len()).map(|g| code.size(&numel(&shape[g])));
    quote!(__nf::Axis { outer: #outer, n: #n, inner: #inner })
}

/// The name of a reduction in emitted code.
pub fn variant(kind: Reduce) -> Ident {
    Ident::new(kind.variant(), Span::call_site())
}

/// How a call combines values, in emitted code.
pub fn combiner(how: Combiner) -> TokenStream {
    let how = Ident::new(how.variant(), Span::call_site());
    quote!(__nf::Combiner::#how)
}

/// A call as data, on these operands.
pub fn call(call: &TokenStream, operands: &[TokenStream]) -> TokenStream {
    quote!(run.call(&__nf::Call::#call, &[#(#operands),*]);)
}

/// The same for a call that may report a fault in its data.
pub fn call_at(call: &TokenStream, operands: &[TokenStream], what: &TokenStream) -> TokenStream {
    quote!(run.call_at(&__nf::Call::#call, &[#(#operands),*], #what);)
}
