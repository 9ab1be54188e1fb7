//! The static graph of a network, for tables and pictures.

use crate::ParamSpec;
use std::fmt;

/// A node of a function's graph.
#[derive(Clone, Copy, Debug)]
pub struct Node {
    /// What it computes.
    pub op: &'static str,
    /// The variable, layer or parameter it was written as, or empty.
    pub name: &'static str,
    /// Its element type; empty for floats.
    pub dtype: &'static str,
    /// Its shape, in the user's names.
    pub shape: &'static str,
    /// The nodes that it reads.
    pub args: &'static [usize],
}

/// A function's graph, before fusion.
#[derive(Clone, Copy, Debug)]
pub struct Function {
    /// Its name.
    pub name: &'static str,
    /// Its nodes, operands before users.
    pub nodes: &'static [Node],
    /// The nodes that are its results.
    pub outputs: &'static [usize],
}

/// A declared layer or parameter.
#[derive(Clone, Copy, Debug)]
pub struct Layer {
    /// The field.
    pub name: &'static str,
    /// How it is declared: `Linear(8 -> 10)`.
    pub declared: &'static str,
    /// Its parameters.
    pub params: &'static [ParamSpec],
}

/// A network's static graph. Prints as a table of its layers.
#[derive(Clone, Copy, Debug)]
pub struct Graph {
    /// The network's name.
    pub name: &'static str,
    /// Its layers, in order.
    pub layers: &'static [Layer],
    /// Its functions, in order.
    pub functions: &'static [Function],
}

impl fmt::Display for Graph {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        writeln!(f, "{}", self.name)?;
        for layer in self.layers {
            let count: usize = layer.params.iter().map(ParamSpec::len).sum();
            writeln!(f, "  {:<20} {:<30} {count:>12}", layer.name, layer.declared)?;
        }
        Ok(())
    }
}
