//! A custom op, computed by the user's Rust functions.

use crate::codegen::emit::{Emit, custom_name, custom_ptx};
use crate::dim::Shape;
#[cfg(feature = "eval")]
use crate::eval::{Array, Values};
use crate::ir::kind::{Flow, Kind, Types};
use crate::ir::operands::Operands;
use crate::ir::{DType, Graph, NodeId, Op};
use proc_macro2::TokenStream;
use quote::{format_ident, quote};

/// The kind.
#[derive(Clone, Debug)]
pub struct Custom {
    /// The function that declares it, after the names of the networks that hold it.
    pub function: String,
    /// Whether this is the gradient: operands are forward's operands and results, and the gradients
    /// of its float results; results are the gradients of its float operands.
    pub backward: bool,
    /// The types of its results, from its declaration.
    pub results: Vec<(Shape, DType)>,
}

impl Kind for Custom {
    fn name(&self) -> &'static str {
        "custom"
    }

    fn attributes(&self) -> String {
        let backward = if self.backward { " backward" } else { "" };
        format!(" {}{backward}", self.function)
    }

    fn types(&self, _: &Operands) -> Types {
        Ok(self.results.clone())
    }

    /// The user's backward. Keeps operands and results. It has no gradient itself.
    fn gradients(&self, g: &mut Graph, flow: &Flow) -> Vec<Option<NodeId>> {
        if self.backward {
            return flow.none();
        }
        let float = |g: &Graph, x: &NodeId| g[*x].dtype == DType::Float;
        let results: Vec<(Shape, DType)> = (flow.args.iter())
            .filter(|a| float(g, a))
            .map(|a| (g.shape(*a).clone(), DType::Float))
            .collect();
        let mut operands = flow.args.to_vec();
        let ys: Vec<NodeId> = std::iter::once(flow.y)
            .chain((1..self.results.len()).map(|k| g.push(Op::Get(k), &[flow.y], None)))
            .collect();
        operands.extend(&ys);
        for (k, y) in ys.iter().enumerate() {
            if float(g, y) {
                let shape = g.shape(*y).clone();
                let dy = flow.dys.get(k).copied().flatten();
                operands.push(dy.unwrap_or_else(|| g.full(0.0, DType::Float, &shape)));
            }
        }
        if results.is_empty() {
            return flow.none();
        }
        let backward = Custom {
            function: self.function.clone(),
            backward: true,
            results,
        };
        let mut dxs = g.kernel(backward, &operands, None).into_iter();
        let gradient = |a: &NodeId| if float(g, a) { dxs.next() } else { None };
        flow.args.iter().map(gradient).collect()
    }

    /// A call of the user's function with arrays.
    fn emit(&self, at: &Emit) -> TokenStream {
        let array = |view: TokenStream, shape: &Shape| {
            let shape = shape.iter().map(|d| at.size(d));
            quote!((#view, &[#(#shape),*]))
        };
        let method = |t: DType| match t {
            DType::Float => format_ident!("float"),
            DType::Int => format_ident!("int"),
            DType::Bool => format_ident!("bool"),
        };
        let operands = at.node().args.len();
        let read = (0..operands).map(|k| array(at.x(k), at.shape(k)));
        let written = (self.results.iter().enumerate()).map(|(k, r)| array(at.result(k), &r.0));
        let read_as = (0..operands).map(|k| {
            let method = method(at.dtype(k));
            quote!(x.#method(#k))
        });
        let written_as = self.results.iter().enumerate().map(|(k, r)| {
            let method = method(r.1);
            quote!(y.#method(#k))
        });
        let (owner, name) = (at.owner(), custom_name(&self.function, self.backward));
        let (kernels, backward) = (custom_ptx(&self.function), self.backward);
        let kernel = quote!(__nf::custom::kernel(#owner::#kernels, #backward));
        quote! {
            run.custom([#(#read),*], [#(#written),*], #kernel, |x, y| {
                #owner::#name::<__D::Float>(#(#read_as,)* #(#written_as),*)
            });
        }
    }

    /// Only the emitted code can call it.
    #[cfg(feature = "eval")]
    fn eval(&self, x: &Values) -> Vec<Array> {
        let unknown = |t: &(Shape, DType)| Array::new(&x.env.shape(&t.0), |_| f64::NAN);
        self.results.iter().map(unknown).collect()
    }
}
