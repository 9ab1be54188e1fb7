//! Element types.

use core::fmt;

/// The type of an element in memory.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub enum DType {
    /// The device's float: f32 or f64.
    Float,
    /// A signed 64-bit integer.
    Int,
    /// One byte, 0 or 1.
    Bool,
}

impl DType {
    /// Bytes of an element, if the device's float has `float` bytes.
    #[inline(always)]
    pub const fn size(self, float: usize) -> usize {
        match self {
            DType::Float => float,
            DType::Int => 8,
            DType::Bool => 1,
        }
    }
}

/// The name in a graph's text.
impl fmt::Display for DType {
    fn fmt(&self, f: &mut fmt::Formatter) -> fmt::Result {
        f.write_str(match self {
            DType::Float => "float",
            DType::Int => "int",
            DType::Bool => "bool",
        })
    }
}
