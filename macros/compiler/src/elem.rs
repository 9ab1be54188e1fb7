//! Element types as users write them.

use crate::ir::DType;

/// The element type an argument was declared with.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Elem {
    /// The device's float.
    Float,
    /// `u32`.
    U32,
    /// `i32`.
    I32,
    /// `i64`.
    I64,
    /// `bool`.
    Bool,
}

impl Elem {
    /// As written; empty for the device's float.
    pub fn prefix(self) -> &'static str {
        match self {
            Elem::Float => "",
            Elem::U32 => "u32",
            Elem::I32 => "i32",
            Elem::I64 => "i64",
            Elem::Bool => "bool",
        }
    }
    /// The name in a sentence.
    pub fn name(self) -> &'static str {
        match self {
            Elem::Float => "floats",
            other => other.prefix(),
        }
    }
    /// The type in the graph.
    pub fn dtype(self) -> DType {
        match self {
            Elem::Float => DType::Float,
            Elem::U32 | Elem::I32 | Elem::I64 => DType::Int,
            Elem::Bool => DType::Bool,
        }
    }
}
