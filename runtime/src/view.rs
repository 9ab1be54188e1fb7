//! The place of a value during a run: a checked, untyped reference into one of a run's buffers.

/// The buffer that a [`View`] points into.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Space {
    /// The flat buffer of parameters: floats, then the buffers of other types.
    Param,
    /// The flat buffer of gradients, with the layout of the parameters' floats.
    Grad,
    /// The values that are kept from call to call.
    State,
    /// The workspace of activations. Every slot is aligned to 64 bytes.
    Arena,
    /// No buffer: the operand is computed from its position (an iota).
    Nowhere,
}

/// The type of a value's elements in memory: `Float` is the device's float type, `Int` signed 64-bit integers (`u32`,
/// `i32` and `i64` arguments are stored as these), `Bool` one byte, 0 or 1. A call also uses a view of `Bool` for
/// stored types: bf16 and f16 are stored in its bytes.
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
    /// The view that is read. An iota has `Space::Nowhere`: its value at a position is `start` plus the dot product of
    /// strides and position.
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
