//! The ways of products by rows, columns and multiplications, for B as it is and for B stored transposed. Generated: `cargo run --release -p netform-runtime --example
//! product_table -- --write` wrote it on 2026-11-29, on AMD EPYC.

use super::way::{ANY, Table, Way};

/// With AVX2 or more.
pub(super) const WIDE: Table = Table {
    f32: [
        &[
            (ANY, 1, ANY, Way::Gemm),
            (2, ANY, 2_048, Way::Rows),
            (ANY, ANY, 1_024, Way::Plain),
            (ANY, ANY, ANY, Way::Gemm),
        ],
        &[
            (ANY, 1, ANY, Way::Gemm),
            (2, ANY, 2_048, Way::Rows),
            (ANY, ANY, 1_024, Way::Plain),
            (ANY, ANY, ANY, Way::Gemm),
        ],
    ],
    f64: [
        &[
            (ANY, 1, ANY, Way::Gemm),
            (2, ANY, 4_096, Way::Rows),
            (16, ANY, 1_024, Way::Plain),
            (ANY, ANY, ANY, Way::Gemm),
        ],
        &[
            (ANY, 1, ANY, Way::Gemm),
            (2, ANY, 4_096, Way::Rows),
            (16, ANY, 1_024, Way::Plain),
            (ANY, ANY, ANY, Way::Gemm),
        ],
    ],
};

/// With the baseline instruction set, and on other processors.
pub(super) const BASELINE: Table = Table {
    f32: [
        &[
            (2, ANY, ANY, Way::Rows),
            (ANY, 1, ANY, Way::MatrixMultiply),
            (8, ANY, 512, Way::Plain),
            (ANY, ANY, ANY, Way::MatrixMultiply),
        ],
        &[
            (2, ANY, ANY, Way::Rows),
            (ANY, 1, ANY, Way::MatrixMultiply),
            (8, ANY, 512, Way::Plain),
            (ANY, ANY, ANY, Way::MatrixMultiply),
        ],
    ],
    f64: [
        &[
            (2, ANY, ANY, Way::Rows),
            (ANY, ANY, ANY, Way::MatrixMultiply),
        ],
        &[
            (2, ANY, ANY, Way::Rows),
            (ANY, ANY, ANY, Way::MatrixMultiply),
        ],
    ],
};
