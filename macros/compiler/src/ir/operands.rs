//! A node's operands as a shape rule sees them.
//!
//! A rule takes the graph, the operands, and the node's own shape if its op carries it. It returns shapes and types, or
//! why the operands do not fit.

use crate::dim::{Shape, show_shape};
use crate::ir::{DType, Graph, NodeId};

/// The inputs of a shape rule.
pub struct Operands<'a> {
    /// The graph.
    pub graph: &'a Graph,
    /// The operands.
    pub args: &'a [NodeId],
    /// The node's own shape, for the ops that carry it.
    pub want: Option<&'a Shape>,
}

impl<'a> Operands<'a> {
    /// The shape of operand `i`.
    pub fn shape(&self, i: usize) -> Result<&'a Shape, String> {
        let arg = self.args.get(i);
        arg.map(|a| self.graph.shape(*a))
            .ok_or_else(|| format!("operand {i} is missing"))
    }

    /// The element type of operand `i`.
    pub fn dtype(&self, i: usize) -> DType {
        self.args
            .get(i)
            .map_or(DType::Float, |a| self.graph[*a].dtype)
    }

    /// The node's own shape.
    pub fn own(&self) -> Result<Shape, String> {
        self.want
            .cloned()
            .ok_or_else(|| "the node's shape is missing".to_owned())
    }

    /// The shape of operand 0 without a dimension.
    pub fn without(&self, dim: usize) -> Result<Shape, String> {
        let mut s = self.shape(0)?.clone();
        ensure(dim < s.len(), || {
            format!("no dimension {dim} in {}", show_shape(&s))
        })?;
        s.remove(dim);
        Ok(s)
    }

    /// The shape of operand `i`, for messages.
    pub fn show(&self, i: usize) -> String {
        self.shape(i).map_or_else(|e| e, |s| show_shape(s))
    }
}

/// An error unless `holds`.
pub fn ensure(holds: bool, why: impl FnOnce() -> String) -> Result<(), String> {
    if holds { Ok(()) } else { Err(why()) }
}
