//! Calls of the generic kernels, maps and reductions, without their tokens. Most steps of a large network repeat one of
//! a few forms, and writing tokens takes most of the time of codegen.
//!
//! Goes in: the kernel, and which of its arguments are the same. Comes out: its statement, given the arguments.

use super::emit::variant;
use super::map;
use crate::ir::Reduce;
use proc_macro2::TokenStream;
use quote::quote;

/// An argument.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Arg {
    /// 0 or 1.
    Bit(bool),
    /// A parameter of the step.
    Parameter(usize),
}

/// An operand.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub struct Operand {
    /// The view and the first element; `None` for indices.
    pub from: Option<(Arg, Arg)>,
    /// The strides.
    pub strides: Vec<Arg>,
}

/// A kernel.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Kernel {
    /// A map.
    Map,
    /// A reduction, with its outer size, its size, and its inner size.
    Reduce(Reduce, [Arg; 3]),
}

/// A call.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub struct Form {
    /// The kernel.
    pub kernel: Kernel,
    /// The number of its map; `None` for the identity.
    pub map: Option<usize>,
    /// The sizes of a map.
    pub sizes: Vec<Arg>,
    /// What it reads.
    pub operands: Vec<Operand>,
    /// What it writes.
    pub results: Vec<Arg>,
    /// The scalars of the map.
    pub scalars: Vec<Arg>,
}

impl Form {
    /// The statement, given the arguments.
    pub fn statement(&self, values: &[TokenStream]) -> TokenStream {
        let arg = |arg: &Arg| match arg {
            Arg::Bit(bit) => {
                let bit = proc_macro2::Literal::usize_unsuffixed(usize::from(*bit));
                quote!(#bit)
            }
            Arg::Parameter(k) => values[*k].clone(),
        };
        let operands = self.operands.iter().map(|operand| {
            let strides = operand.strides.iter().map(arg);
            match &operand.from {
                Some((view, start)) => {
                    let (view, start) = (arg(view), arg(start));
                    quote!(__nf::In { view: #view, start: #start, strides: [#(#strides),*] })
                }
                None => quote!(__nf::iota([#(#strides),*])),
            }
        });
        let body = self.map.map_or_else(
            || quote!(__nf::Identity),
            |k| {
                let name = map::name(k);
                quote!(#name)
            },
        );
        let [sizes, results, scalars] = [&self.sizes, &self.results, &self.scalars]
            .map(|args| args.iter().map(arg).collect::<Vec<_>>());
        let (r, i, o) = (sizes.len(), operands.len(), results.len());
        let axis = |sizes: &[Arg; 3]| {
            let [outer, n, inner] = sizes.each_ref().map(arg);
            quote!(__nf::Axis { outer: #outer, n: #n, inner: #inner })
        };
        match &self.kernel {
            Kernel::Map => quote! {
                run.map::<#body, #r, #i, #o>([#(#sizes),*], [#(#operands),*], [#(#results),*], &[#(#scalars),*]);
            },
            Kernel::Reduce(kind, sizes) if kind.combiner().is_some() => {
                let (kind, axis, y) = (variant(*kind), axis(sizes), &results[0]);
                quote! {
                    run.reduce::<#body, __nf::by::#kind, #i>(#axis, [#(#operands),*], &[#(#scalars),*], #y);
                }
            }
            Kernel::Reduce(_, sizes) => {
                let (axis, y) = (axis(sizes), &results[0]);
                let rest = match results.get(1) {
                    Some(rest) => quote!(Some(#rest)),
                    None => quote!(None),
                };
                quote! {
                    run.mean::<#body, #i>(#axis, [#(#operands),*], &[#(#scalars),*], #y, #rest);
                }
            }
        }
    }
}
