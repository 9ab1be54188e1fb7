//! What a kind of node is evaluated from.

use super::array::Array;
use super::env::Env;

/// What a kind of node is evaluated from.
pub struct Values<'a> {
    /// The sizes of dimensions, and how floats are held.
    pub env: &'a Env<'a>,
    /// The operands.
    pub args: Vec<&'a Array>,
    /// The sizes of the first result.
    pub shape: Vec<usize>,
}
