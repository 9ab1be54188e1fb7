//! Matrix products.

/// The size of a product: `C[g] (m, n) = op(A[g]) (m, k) op(B[g]) (k, n)` for `g < batch`, all row-major.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Product {
    /// Number of independent products. The matrices of each follow those of the one before.
    pub batch: usize,
    /// Rows of the result.
    pub m: usize,
    /// Columns of the result.
    pub n: usize,
    /// The summed dimension.
    pub k: usize,
    /// `A` is stored as (k, m).
    pub ta: bool,
    /// `B` is stored as (n, k).
    pub tb: bool,
}
