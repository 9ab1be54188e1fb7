//! The inputs of one node's evaluation.

use super::array::Array;
use super::env::Env;

/// The inputs of one node's evaluation.
pub struct Values<'a> {
    /// The sizes of dimensions, and how floats are stored.
    pub env: &'a Env<'a>,
    /// The operands.
    pub args: Vec<&'a Array>,
    /// The sizes of the first result.
    pub shape: Vec<usize>,
}
