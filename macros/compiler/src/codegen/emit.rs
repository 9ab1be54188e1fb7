//! What a kind of node writes its runtime call with: its operands and results as emitted code has them.

use super::dims::usize;
use super::plan::site;
use super::steps::{Steps, step_of};
use crate::dim::{Dim, Shape, numel};
use crate::ir::{DType, Node, NodeId, Reads, Reduce};
use crate::passes::strides::{Strided, blocks};
use netform_core::Combiner;
use proc_macro2::{Ident, Span, TokenStream};
use quote::quote;

pub use super::custom::{name as custom_name, ptx_name as custom_ptx};
pub use super::dims::usize as size;
pub use super::map::{dtype, exact, number};

/// One node in the place where it is emitted.
pub struct Emit<'a, 'b> {
    /// The statements around.
    pub steps: &'a Steps<'b>,
    /// The node.
    pub id: NodeId,
}

/// A side of a copy.
pub struct Side<'a> {
    /// The view.
    pub view: TokenStream,
    /// The first element.
    pub start: &'a Dim,
    /// Strides; true: backwards.
    pub strides: &'a [(bool, Dim)],
}

impl Emit<'_, '_> {
    /// The node.
    pub fn node(&self) -> &Node {
        &self.steps.g[self.id]
    }

    /// The shape of operand `i`.
    pub fn shape(&self, i: usize) -> &Shape {
        self.steps.g.shape(self.node().args[i])
    }

    /// The element type of operand `i`.
    pub fn dtype(&self, i: usize) -> DType {
        self.steps.g[self.node().args[i]].dtype
    }

    /// The view of operand `i`.
    pub fn x(&self, i: usize) -> TokenStream {
        self.steps.view(self.node().args[i], 0)
    }

    /// The view of the first result.
    pub fn y(&self) -> TokenStream {
        self.steps.view(self.id, 0)
    }

    /// The view of result `k`.
    pub fn result(&self, k: usize) -> TokenStream {
        self.steps.view(self.id, k)
    }

    /// The views of all results.
    pub fn results(&self) -> TokenStream {
        self.steps.views(self.id)
    }

    /// Operand `i` as `In { .. }`.
    pub fn input(&self, i: usize, s: &Strided) -> TokenStream {
        self.steps.input(self.node().args[i], s)
    }

    /// The struct, which has the user's own ops.
    pub fn owner(&self) -> &TokenStream {
        self.steps.owner
    }

    /// The number of a stream of random numbers: in a loop, one for each step.
    pub fn stream(&self, stream: u32) -> TokenStream {
        let mut at = quote!(0usize);
        for (number, count) in &self.steps.loops {
            let (step, count) = (step_of(*number), usize(count));
            at = quote!(#at * #count + #step);
        }
        match self.steps.loops.is_empty() {
            true => {
                let stream = u64::from(stream);
                quote!(#stream)
            }
            false => quote!(__nf::stream(#stream, #at)),
        }
    }

    /// A strided copy of `shape`.
    pub fn copy(&self, shape: &Shape, src: Side, dst: Side) -> TokenStream {
        let window = |Side {
                          view,
                          start,
                          strides,
                      }: Side| {
            let start = usize(start);
            let strides = strides.iter().map(|(back, s)| {
                let s = usize(s);
                match back {
                    true => quote!(-((#s) as isize)),
                    false => quote!((#s) as isize),
                }
            });
            quote!(__nf::Window { view: #view, start: #start, strides: [#(#strides),*] })
        };
        let (src, dst) = (window(src), window(dst));
        let r = shape.len();
        let shape = shape.iter().map(usize);
        quote!(run.copy::<#r>([#(#shape),*], #src, #dst);)
    }
}

/// Who reads at the positions, and where those lie, for messages.
pub fn reads(node: &Node, what: &Reads) -> TokenStream {
    let (site, index) = (site(node.span, &what.by), &what.index);
    let shape = what.shape.iter().map(usize);
    quote!(__nf::Reads { site: #site, index: #index, shape: &[#(#shape),*] })
}

/// A result of integers, for messages.
pub fn written(node: &Node, text: &str) -> TokenStream {
    let what = Reads {
        by: String::new(),
        index: format!("`{text}`"),
        shape: node.shape.clone(),
    };
    reads(node, &what)
}

/// Sizes as an array.
pub fn array(sizes: &[Dim]) -> TokenStream {
    let sizes = sizes.iter().map(usize);
    quote!([#(#sizes),*])
}

/// Strides, none of them backwards.
pub fn forwards(strides: &[Dim]) -> Vec<(bool, Dim)> {
    strides.iter().map(|s| (false, s.clone())).collect()
}

/// A dimension of a shape with what lies around it.
pub fn axis(shape: &Shape, dim: usize) -> TokenStream {
    block(shape, &[dim])
}

/// The same for neighbouring dimensions.
pub fn block(shape: &Shape, dims: &[usize]) -> TokenStream {
    let [outer, n, inner] = blocks(dims, shape.len()).map(|g| usize(&numel(&shape[g])));
    quote!(__nf::Axis { outer: #outer, n: #n, inner: #inner })
}

/// The name of a reduction in emitted code.
pub fn variant(kind: Reduce) -> Ident {
    Ident::new(kind.variant(), Span::call_site())
}

/// How a call combines, in emitted code.
pub fn combiner(how: Combiner) -> TokenStream {
    let how = Ident::new(how.variant(), Span::call_site());
    quote!(__nf::Combiner::#how)
}

/// A call as data, on these operands.
pub fn call(call: &TokenStream, operands: &[TokenStream]) -> TokenStream {
    quote!(run.call(&__nf::Call::#call, &[#(#operands),*]);)
}

/// The same for a call that may find a fault in its data.
pub fn call_at(call: &TokenStream, operands: &[TokenStream], what: &TokenStream) -> TokenStream {
    quote!(run.call_at(&__nf::Call::#call, &[#(#operands),*], #what);)
}
