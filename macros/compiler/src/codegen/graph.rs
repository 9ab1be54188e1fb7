//! The static graph of every function, for tables and pictures: `Net::graph()`.

use crate::dim::show_shape;
use crate::display::op_name;
use crate::ir::{DType, Op};
use crate::net::Net;
use crate::pipeline::{Mode, Program};
use proc_macro2::TokenStream;
use quote::quote;

/// The static that describes the functions' graphs, before fusion.
pub fn items(net: &Net, programs: &[Program]) -> TokenStream {
    let functions = programs.iter().filter(|p| p.mode == Mode::Infer).map(|p| {
        let g = &p.unfused;
        let nodes = g.nodes.iter().map(|n| {
            let (op, shape) = (op_name(&n.op), show_shape(&n.shape));
            let name = match n.op {
                Op::Input { index } => net.signatures[p.function].args.get(index).map_or(String::new(), |a| a.name.to_string()),
                Op::Param { index } => net.params[index].name.clone(),
                _ => n.name.clone(),
            };
            let dtype = match n.dtype {
                DType::Float => "",
                DType::Int => "int",
                DType::Bool => "bool",
            };
            let args = n.args.iter().map(|a| a.index());
            quote!(__nf::look::Node { op: #op, name: #name, dtype: #dtype, shape: #shape, args: &[#(#args),*] })
        });
        let name = net.signatures[p.function].name.to_string();
        let outputs = g.outputs.iter().map(|o| o.index());
        quote!(__nf::look::Function { name: #name, nodes: &[#(#nodes),*], outputs: &[#(#outputs),*] })
    });
    let layers = net.fields.iter().map(|f| {
        let (name, decl) = (f.name.to_string(), f.decl.split_once(": ").map_or("", |d| d.1));
        let (from, to) = (f.params.start, f.params.end);
        quote!(__nf::look::Layer { name: #name, declared: #decl, params: &SPEC_VALUE.params.split_at(#to).0.split_at(#from).1 })
    });
    quote! {
        static LAYERS: &[__nf::look::Layer] = &[#(#layers),*];
        static FUNCTIONS: &[__nf::look::Function] = &[#(#functions),*];
    }
}

/// The method.
pub fn accessor() -> TokenStream {
    quote! {
        /// The static graph: prints as a table of layers, and draws itself as DOT and SVG.
        pub fn graph() -> __nf::look::Graph {
            __nf::look::Graph { name: SPEC.name, layers: LAYERS, functions: FUNCTIONS }
        }
    }
}
