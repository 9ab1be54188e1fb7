//! The operands and results of a node as emitted code: a kind of node writes its runtime call with them.

use super::strides::Strided;
use super::{DType, Graph, Node, NodeId};
use crate::dim::{Dim, Shape};
use crate::real::Real;
use proc_macro2::{Span, TokenStream};

/// The code around a node, written by codegen.
pub trait Code {
    /// The graph.
    fn graph(&self) -> &Graph;
    /// The view of result `k` of a node.
    fn view(&self, id: NodeId, k: usize) -> TokenStream;
    /// The views of all results of a node.
    fn views(&self, id: NodeId) -> TokenStream;
    /// A node as `In { .. }`.
    fn input(&self, id: NodeId, s: &Strided) -> TokenStream;
    /// The struct, which has the custom ops.
    fn owner(&self) -> &TokenStream;
    /// A size.
    fn size(&self, d: &Dim) -> TokenStream;
    /// The number of a stream of random numbers: in a loop, one for each step.
    fn stream(&self, stream: u32) -> TokenStream;
    /// A number.
    fn real(&self, value: &Real) -> TokenStream;
    /// A place in the source, for messages.
    fn site(&self, span: Span, by: &str) -> TokenStream;
}

/// One node at the place where it is emitted.
pub struct Emit<'a> {
    /// The code around.
    pub code: &'a dyn Code,
    /// The node.
    pub id: NodeId,
}

impl Emit<'_> {
    /// The node.
    pub fn node(&self) -> &Node {
        &self.code.graph()[self.id]
    }

    /// The shape of operand `i`.
    pub fn shape(&self, i: usize) -> &Shape {
        self.code.graph().shape(self.node().args[i])
    }

    /// The element type of operand `i`.
    pub fn dtype(&self, i: usize) -> DType {
        self.code.graph()[self.node().args[i]].dtype
    }

    /// The view of operand `i`.
    pub fn x(&self, i: usize) -> TokenStream {
        self.code.view(self.node().args[i], 0)
    }

    /// The view of the first result.
    pub fn y(&self) -> TokenStream {
        self.code.view(self.id, 0)
    }

    /// The view of result `k`.
    pub fn result(&self, k: usize) -> TokenStream {
        self.code.view(self.id, k)
    }

    /// The views of all results.
    pub fn results(&self) -> TokenStream {
        self.code.views(self.id)
    }

    /// Operand `i` as `In { .. }`.
    pub fn input(&self, i: usize, s: &Strided) -> TokenStream {
        self.code.input(self.node().args[i], s)
    }

    /// A size.
    pub fn size(&self, d: &Dim) -> TokenStream {
        self.code.size(d)
    }

    /// The struct, which has the custom ops.
    pub fn owner(&self) -> &TokenStream {
        self.code.owner()
    }

    /// The number of a stream of random numbers: in a loop, one for each step.
    pub fn stream(&self, stream: u32) -> TokenStream {
        self.code.stream(stream)
    }

    /// A number.
    pub fn real(&self, value: &Real) -> TokenStream {
        self.code.real(value)
    }
}
