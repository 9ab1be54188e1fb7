//! A network's static graph.

use crate::ParamSpec;

/// The kind of a node.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Kind {
    /// An argument.
    Input,
    /// A parameter.
    Param,
    /// An op.
    Op,
}

/// A node of a function's graph.
#[derive(Clone, Debug)]
pub struct Node {
    /// The kind of node.
    pub kind: Kind,
    /// The op that it computes.
    pub op: &'static str,
    /// The name of its layer, argument or parameter in the source, or empty.
    pub name: &'static str,
    /// Its element type; empty for floats.
    pub dtype: &'static str,
    /// Its shape, with the network's names.
    pub shape: &'static str,
    /// Its value as text if it depends on no argument and no parameter, else empty.
    pub constant: &'static str,
    /// The nodes that it reads.
    pub args: Vec<usize>,
}

/// A function's graph, before fusion.
#[derive(Clone, Debug)]
pub struct Function {
    /// Its name.
    pub name: &'static str,
    /// `loss(x: [B, 8], target: [B, 3]) -> []`.
    pub signature: &'static str,
    /// Its nodes, operands before their users.
    pub nodes: Vec<Node>,
    /// The nodes that are its results.
    pub outputs: Vec<usize>,
}

/// A declared layer or parameter.
#[derive(Clone, Copy, Debug)]
pub struct Layer {
    /// The field.
    pub name: &'static str,
    /// Its declaration: `Linear(8 -> 10)`.
    pub declared: &'static str,
    /// The shapes of its results, one for each different shape.
    pub output: &'static str,
    /// Its parameters.
    pub params: &'static [ParamSpec],
}

/// A network's static graph. Prints as a table of its layers and functions.
#[derive(Clone, Debug)]
pub struct Graph {
    /// The network's name.
    pub name: &'static str,
    /// Its layers, in order.
    pub layers: Vec<Layer>,
    /// Its functions, in order.
    pub functions: Vec<Function>,
}

impl Graph {
    /// The graph of one function, if there is one of this name.
    pub fn function(&self, name: &str) -> Option<&Function> {
        self.functions.iter().find(|f| f.name == name)
    }
}
