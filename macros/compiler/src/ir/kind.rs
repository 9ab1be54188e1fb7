//! The interface of a kind of node that one kernel computes. Passes ask it; they do not look inside.

use crate::codegen::emit::Emit;
use crate::dim::Shape;
#[cfg(feature = "eval")]
use crate::eval::{Array, Values};
use crate::ir::operands::Operands;
use crate::ir::{DType, Graph, NodeId};
use proc_macro2::TokenStream;
use std::any::Any;
use std::fmt::Debug;
use std::rc::Rc;

/// The shapes and types of a node's results, or why its operands do not fit.
pub type Types = Result<Vec<(Shape, DType)>, String>;

/// A kind of node.
pub trait Kind: Any + Debug {
    /// The name in text, tables and pictures.
    fn name(&self) -> &'static str;

    /// The text after the operands, each part after a space. Nodes of equal text are built once, so the text must
    /// contain everything that changes the value.
    fn attributes(&self) -> String {
        String::new()
    }

    /// The shape rule.
    fn types(&self, x: &Operands) -> Types;

    /// The gradient rule, from the gradient of the first result: graph nodes, one gradient for each operand, `None`
    /// where nothing flows. Backward keeps the values that the rule names.
    fn gradient(&self, _g: &mut Graph, flow: &Flow, _dy: NodeId) -> Vec<Option<NodeId>> {
        flow.none()
    }

    /// The same from the gradients of all results.
    fn gradients(&self, g: &mut Graph, flow: &Flow) -> Vec<Option<NodeId>> {
        match flow.dys.first() {
            Some(Some(dy)) => self.gradient(g, flow, *dy),
            _ => flow.none(),
        }
    }

    /// The runtime call.
    fn emit(&self, at: &Emit) -> TokenStream;

    /// The results in f64.
    #[cfg(feature = "eval")]
    fn eval(&self, x: &Values) -> Vec<Array>;

    /// Whether it draws random numbers.
    fn draws(&self) -> bool {
        false
    }

    /// For random values that are not stored: the kind that computes the same values again in backward, if that is
    /// another kind.
    fn again(&self) -> Option<Rc<dyn Kind>> {
        None
    }

    /// The operand that the result may overwrite.
    fn over(&self) -> Option<usize> {
        None
    }

    /// Whether equal nodes are built once even if they have several results.
    fn is_shared(&self) -> bool {
        false
    }

    /// The bounds of a result of integers; `operands` is their number.
    fn bounds(&self, _operands: usize) -> Bounds {
        Bounds::None
    }
}

/// The inputs of a gradient rule.
pub struct Flow<'a> {
    /// The node.
    pub y: NodeId,
    /// Its operands.
    pub args: &'a [NodeId],
    /// The gradients of its results.
    pub dys: &'a [Option<NodeId>],
    /// The operands whose gradients are needed; others may be left out.
    pub wanted: &'a [bool],
}

impl Flow<'_> {
    /// No gradient for any operand.
    pub fn none(&self) -> Vec<Option<NodeId>> {
        vec![None; self.args.len()]
    }
}

/// The bounds of a result of integers.
pub enum Bounds {
    /// None.
    None,
    /// Positions: from 0 on.
    Positions,
    /// Elements of these operands, and this value.
    Of(Vec<usize>, Option<i64>),
}
