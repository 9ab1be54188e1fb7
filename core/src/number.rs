//! The value of one element, exact in its type: a float does not hold every integer.

use crate::DType;

/// A number of an element type.
#[derive(Clone, Copy, Debug, PartialEq)]
pub enum Number {
    /// A float. A device rounds it to its float type.
    Float(f64),
    /// An integer.
    Int(i64),
    /// A boolean.
    Bool(bool),
}

impl Number {
    /// The type of the number.
    pub const fn dtype(self) -> DType {
        match self {
            Number::Float(_) => DType::Float,
            Number::Int(_) => DType::Int,
            Number::Bool(_) => DType::Bool,
        }
    }
}

/// More elements than any memory holds. Positions and named dimensions are below it.
pub const POSITIONS: i64 = 1 << 48;
