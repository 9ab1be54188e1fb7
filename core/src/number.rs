//! The value of one element, exact in its type: a float does not hold every integer.

use crate::DType;

/// A number of an element type.
#[derive(Clone, Copy, Debug, PartialEq)]
pub enum Number {
    /// Of floats. A device rounds it to its own.
    Float(f64),
    /// Of integers.
    Int(i64),
    /// Of booleans.
    Bool(bool),
}

impl Number {
    /// Its type.
    pub const fn dtype(self) -> DType {
        match self {
            Number::Float(_) => DType::Float,
            Number::Int(_) => DType::Int,
            Number::Bool(_) => DType::Bool,
        }
    }
}

/// More elements than any memory holds: positions and named dimensions are below.
pub const POSITIONS: i64 = 1 << 48;
