//! The static graph of every function, for tables and pictures: `Net::graph()`, and the pictures of
//! functions marked `#[draw]`, as texts in the form of `netform_core::drawn`.

use crate::dim::show_shape;
use crate::display::op_name;
use crate::draw::{Drawn, constants};
use crate::ir::{DType, Graph, Op};
use crate::lower::show_type;
use crate::net::{Field, FieldKind, Net, Signature};
use crate::program::{Mode, Program};
use netform_core::drawn::{INPUT, OP, PARAM, SEPARATOR};
use proc_macro2::{Ident, Span, TokenStream};
use quote::{format_ident, quote};
use rustc_hash::FxHashMap;

/// The table of layers, and the statics that describe the functions' graphs, before fusion.
pub fn items(net: &Net, programs: &[Program]) -> (TokenStream, TokenStream) {
    let of_mode = |mode| programs.iter().filter(move |p| p.mode == mode);
    let functions = of_mode(Mode::Infer).map(|p| function(net, p.function, &p.unfused));
    let pictures = of_mode(Mode::Draw).filter_map(|p| {
        let picture = picture(net, p.function, p.drawn.as_ref()?);
        let name = drawn(net, p.function);
        Some(quote!(static #name: __nf::draw::Drawn = #picture;))
    });
    // The layers of a group are listed, the group is not.
    let single = |(_, f): &(usize, &Field)| {
        !matches!(f.kind, FieldKind::Group { .. } | FieldKind::Absent(_))
    };
    let layers = net.fields.iter().enumerate().filter(single).map(|(i, f)| {
        let decl = f.decl.split_once(": ").map_or("", |d| d.1);
        // The spec leaves tied parameters out.
        let place = |p: usize| {
            net.params[..p]
                .iter()
                .filter(|p| p.shared.is_none())
                .count()
        };
        let (from, to) = (place(f.params.start), place(f.params.end));
        let mut shapes: Vec<String> = Vec::new();
        for (_, shape) in of_mode(Mode::Infer)
            .flat_map(|p| &p.calls)
            .filter(|(field, _)| *field == i)
        {
            let text = show_shape(shape);
            if !shapes.contains(&text) {
                shapes.push(text);
            }
        }
        [
            plain(&f.path),
            plain(decl),
            shapes.join(", "),
            from.to_string(),
            to.to_string(),
        ]
        .join(&SEPARATOR.to_string())
    });
    let layers: Vec<String> = layers.collect();
    let layers = layers.join("\n");
    let layers = quote! {
        const __LAYERS: &'static str = if Self::__CHOSEN { #layers } else { "" };
    };
    let all = functions_name(net);
    let functions = quote! {
        static #all: &[__nf::draw::text::FunctionText] = &[#(#functions),*];
        #(#pictures)*
    };
    (layers, functions)
}

/// A name without the separators.
fn plain(name: &str) -> String {
    name.replace(char::is_control, " ")
}

/// The distinct strings of a function.
#[derive(Default)]
struct Strings {
    all: Vec<String>,
    known: FxHashMap<String, usize>,
}

impl Strings {
    fn number(&mut self, text: String) -> usize {
        let next = self.all.len();
        *self.known.entry(text).or_insert_with_key(|text| {
            self.all.push(plain(text));
            next
        })
    }
}

/// A graph as `draw::text::FunctionText`.
fn function(net: &Net, index: usize, g: &Graph) -> TokenStream {
    let signature = &net.signatures[index];
    let constants = constants(g);
    let mut strings = Strings::default();
    let mut nodes: Vec<String> = Vec::new();
    for (n, constant) in g.nodes.iter().zip(constants) {
        let (kind, name) = match n.op {
            Op::Input { index } => (
                INPUT,
                signature
                    .args
                    .get(index)
                    .map_or(String::new(), |a| a.name.to_string()),
            ),
            Op::Param { index } => (PARAM, net.params[index].name.clone()),
            _ => (OP, n.name.clone()),
        };
        let dtype = match n.dtype {
            DType::Float => "",
            DType::Int => "int",
            DType::Bool => "bool",
        };
        let words = [
            op_name(&n.op),
            name,
            dtype.to_owned(),
            show_shape(&n.shape),
            constant.unwrap_or_default(),
        ];
        let mut line = kind.to_owned();
        for word in words {
            line.push_str(&format!(" {}", strings.number(word)));
        }
        let args: Vec<String> = n.args.iter().map(|a| a.index().to_string()).collect();
        nodes.push(format!("{line} {}", args.join(",")));
    }
    let (name, text) = (signature.name.to_string(), text(signature));
    let (strings, nodes) = (strings.all.join(&SEPARATOR.to_string()), nodes.join(";"));
    let outputs = g.outputs.iter().map(|o| o.index());
    quote!(__nf::draw::text::FunctionText { name: #name, signature: #text, strings: #strings, nodes: #nodes, outputs: &[#(#outputs),*] })
}

/// `loss(x: [B, 8], target: [B, 3]) -> []`.
fn text(s: &Signature) -> String {
    let args: Vec<String> = s
        .args
        .iter()
        .map(|a| format!("{}: {}", a.name, show_type(&a.ty, &a.ty.shape)))
        .collect();
    let rets: Vec<String> = s.ret.iter().map(|t| show_type(t, &t.shape)).collect();
    let ret = if s.tuple {
        format!("({})", rets.join(", "))
    } else {
        rets.join(", ")
    };
    format!("{}({}) -> {ret}", s.name, args.join(", "))
}

/// The name of the static that describes a picture.
pub fn drawn(net: &Net, index: usize) -> Ident {
    let name = net.signatures[index].name.to_string().to_uppercase();
    format_ident!("DRAWN_{name}{}", suffix(net), span = Span::mixed_site())
}

fn picture(net: &Net, index: usize, d: &Drawn) -> TokenStream {
    let function = function(net, index, &d.graph);
    let option = |o: &Option<usize>| match o {
        Some(k) => quote!(::core::option::Option::Some(#k)),
        None => quote!(::core::option::Option::None),
    };
    let (values, gradients) = (d.values.iter().map(option), d.gradients.iter().map(option));
    let wires = d.wires.iter().map(|w| {
        let (from, to, gradient) = (w.from.index(), w.to.index(), option(&w.gradient));
        quote!((#from, #to, #gradient))
    });
    quote!(__nf::draw::Drawn { function: #function, values: &[#(#values),*], gradients: &[#(#gradients),*], wires: &[#(#wires),*] })
}

/// The name of the static that describes all functions.
fn functions_name(net: &Net) -> Ident {
    format_ident!("__FUNCTIONS{}", suffix(net), span = Span::mixed_site())
}

/// The end of the names of a variant's items.
pub fn suffix(net: &Net) -> String {
    net.variant.map_or_else(String::new, |k| format!("_{k}"))
}

/// The graph.
pub fn graph(net: &Net, items: &TokenStream) -> TokenStream {
    let functions = functions_name(net);
    quote! {
        __nf::draw::text::read(#items::__SPEC.name, #items::__SPEC.params, #items::__LAYERS, #functions)
    }
}
