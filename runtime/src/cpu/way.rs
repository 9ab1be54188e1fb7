//! The ways to compute a product, and the classes of shapes that a table maps to them.

/// How a product is computed.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Way {
    /// Row by row (`matvec.rs`), without preparations.
    Rows,
    /// The plain loop over blocks (`plain.rs`).
    Plain,
    /// The library `gemm`, which has kernels for AVX2 and AVX-512.
    Gemm,
    /// The library `matrixmultiply`, the portable one.
    MatrixMultiply,
}

/// At most so many rows of C, so many columns of C and so many multiplications, and the way of products within these
/// bounds.
pub(super) type Class = (usize, usize, usize, Way);

/// No bound.
pub(super) const ANY: usize = usize::MAX;

/// The lists of a float type: for a B that is stored as it is, and for one that is stored transposed. The first class
/// of a list that holds a product applies.
pub(super) type Lists = [&'static [Class]; 2];

/// The classes of one instruction set.
pub(super) struct Table {
    pub(super) f32: Lists,
    pub(super) f64: Lists,
}
