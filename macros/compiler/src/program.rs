//! What the passes leave of a function, for codegen.

use crate::cx::Demand;
use crate::dim::Shape;
use crate::draw::Drawn;
use crate::ir::{DType, Graph};
use crate::passes::memory::Memory;
use crate::passes::placement::Placement;
use crate::passes::reach::Reached;

/// What a compiled function does.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Mode {
    /// Computes the results.
    Infer,
    /// Computes the scalar result and all gradients.
    Backward,
    /// From gradients of the results computes all others.
    Vjp,
    /// Computes every value and its gradient, for a picture.
    Draw,
}

/// A function in one mode, compiled.
pub struct Program {
    /// The function's number.
    pub function: usize,
    /// The mode.
    pub mode: Mode,
    /// The graph that runs, node by node.
    pub graph: Graph,
    /// The graph before fusion: for pictures.
    pub unfused: Graph,
    /// Places of its values.
    pub memory: Memory,
    /// Which inputs and outputs lie outside of the workspace.
    pub placement: Placement,
    /// Shapes and types of the inputs beyond the arguments: gradients of the results.
    pub seeds: Vec<(Shape, DType)>,
    /// The trained parameters that its gradients reach.
    pub reached: Vec<Reached>,
    /// Conditions to check when inputs are bound.
    pub require: Vec<Demand>,
    /// Conditions on Rust constants and const parameters, for rustc.
    pub constant: Vec<Demand>,
    /// The layers called, by number, with the shapes of their results.
    pub calls: Vec<(usize, Shape)>,
    /// What the outputs are, in a picture's program.
    pub drawn: Option<Drawn>,
}
