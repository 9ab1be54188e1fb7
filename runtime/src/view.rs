//! Where a value lies during a run: a checked, untyped reference into one of a run's buffers.

/// The buffer that a [`View`] points into.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Space {
    /// The flat buffer of parameters: floats, then the buffers of other types.
    Param,
    /// The flat buffer of gradients, laid out as the floats of the parameters.
    Grad,
    /// The values that are kept from call to call.
    State,
    /// The workspace of activations; every slot begins at a multiple of 64 bytes.
    Arena,
    /// Nothing: the operand is computed from its position (an iota).
    Nowhere,
}

/// The type of a value's elements in memory: `Float` is the device's float type, `Int` signed 64-bit
/// integers (`u32`, `i32` and `i64` arguments are stored as these), `Bool` one byte, 0 or 1.
/// A view of `Bool` is also where a call keeps what no value is: bf16 and f16 lie in its bytes.
pub use netform_core::DType;
pub use netform_core::Stored;

/// `len` elements of type `dtype`, contiguous, from `offset` of `space`.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct View {
    /// The buffer.
    pub space: Space,
    /// The element type.
    pub dtype: DType,
    /// The first element's first byte.
    pub offset: usize,
    /// Number of elements.
    pub len: usize,
}

/// An operand of a map: a view read with strides (in elements; 0 broadcasts) over `R` dimensions.
#[derive(Clone, Copy, Debug)]
pub struct In<const R: usize> {
    /// What is read. An iota has `Space::Nowhere`: its value at a position is `start` plus the
    /// strides' dot product with the position.
    pub view: View,
    /// Elements skipped before the first, or the iota's first value.
    pub start: usize,
    /// Strides, outermost dimension first.
    pub strides: [usize; R],
}

/// A strided window for copies: element `i` lies at `start + sum(i_d * strides_d)`.
#[derive(Clone, Copy, Debug)]
pub struct Window<const R: usize> {
    /// The whole buffer.
    pub view: View,
    /// The window's first element, in elements from the view's first.
    pub start: usize,
    /// Strides in elements; negative ones flip.
    pub strides: [isize; R],
}
