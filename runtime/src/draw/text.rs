//! Graphs as the macro emits them: texts, because a table of structs for thousands of nodes takes rustc seconds.
//!
//! [`SEPARATOR`] stands between the strings of a function. Nodes are separated by `;`, the words of a node by spaces: the
//! kind (`i`, `p` or `o`); the numbers of the strings that are its op, name, element type, shape and constant; the numbers
//! of its operands, separated by commas. In the text of layers each line is a layer: its name, declaration and results,
//! and its range of parameters, separated by [`SEPARATOR`].

use super::{Function, Graph, Kind, Layer, Node};
use crate::ParamSpec;

/// Stands between strings. The macro replaces it in names.
pub const SEPARATOR: char = '\u{1f}';

/// A function's graph.
#[derive(Clone, Copy, Debug)]
pub struct FunctionText {
    /// Its name.
    pub name: &'static str,
    /// `loss(x: [B, 8], target: [B, 3]) -> []`.
    pub signature: &'static str,
    /// The strings that its nodes name by number.
    pub strings: &'static str,
    /// Its nodes, operands before their users.
    pub nodes: &'static str,
    /// The nodes that are its results.
    pub outputs: &'static [usize],
}

impl FunctionText {
    /// Reads the graph.
    pub fn read(&self) -> Function {
        let strings: Vec<&'static str> = self.strings.split(SEPARATOR).collect();
        let nodes = self.nodes.split(';').filter(|n| !n.is_empty());
        Function {
            name: self.name,
            signature: self.signature,
            nodes: nodes.map(|n| node(n, &strings)).collect(),
            outputs: self.outputs.to_vec(),
        }
    }
}

fn node(text: &str, strings: &[&'static str]) -> Node {
    let mut words = text.split(' ');
    let kind = match words.next() {
        Some("i") => Kind::Input,
        Some("p") => Kind::Param,
        _ => Kind::Op,
    };
    let number = |word: &str| word.parse::<usize>().ok();
    let mut string = || {
        let k = words.next().and_then(number);
        k.and_then(|k| strings.get(k).copied()).unwrap_or("")
    };
    let [op, name, dtype, shape, constant] = std::array::from_fn(|_| string());
    let args = words.next().unwrap_or("").split(',').filter_map(number);
    Node {
        kind,
        op,
        name,
        dtype,
        shape,
        constant,
        args: args.collect(),
    }
}

/// Reads a network's graph.
pub fn read(
    name: &'static str,
    params: &'static [ParamSpec],
    layers: &'static str,
    functions: &[FunctionText],
) -> Graph {
    Graph {
        name,
        layers: layers.lines().map(|l| layer(l, params)).collect(),
        functions: functions.iter().map(FunctionText::read).collect(),
    }
}

fn layer(line: &'static str, params: &'static [ParamSpec]) -> Layer {
    let mut words = line.split(SEPARATOR);
    let [name, declared, output] = std::array::from_fn(|_| words.next().unwrap_or(""));
    let mut number = || words.next().and_then(|w| w.parse::<usize>().ok());
    let range = number().unwrap_or(0)..number().unwrap_or(0);
    Layer {
        name,
        declared,
        output,
        params: params.get(range).unwrap_or(&[]),
    }
}
