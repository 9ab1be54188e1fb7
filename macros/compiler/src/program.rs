//! A function after the passes, for codegen.

use crate::cx::Demand;
use crate::dim::Shape;
use crate::draw::Drawn;
use crate::ir::{DType, Graph};
use crate::passes::memory::Memory;
use crate::passes::placement::Placement;
use crate::passes::reach::Reached;

/// The mode of a compiled function.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Mode {
    /// Computes the results.
    Infer,
    /// Computes the scalar result and all gradients.
    Backward,
    /// Computes all other gradients from the gradients of the results.
    Vjp,
    /// Computes every value and its gradient, for a picture.
    Draw,
    /// Computes the results in training mode.
    Train,
}

impl Mode {
    /// The end of the method's name.
    pub fn suffix(self) -> &'static str {
        match self {
            Mode::Infer => "",
            Mode::Backward => "_backward",
            Mode::Vjp => "_vjp",
            Mode::Draw => "_draw",
            Mode::Train => "_train",
        }
    }

    /// Whether it computes gradients of parameters.
    pub fn has_gradients(self) -> bool {
        matches!(self, Mode::Backward | Mode::Vjp)
    }
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
    /// The places of its values.
    pub memory: Memory,
    /// The inputs and outputs outside the workspace.
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
    /// The meaning of the outputs, in a picture's program.
    pub drawn: Option<Drawn>,
}
