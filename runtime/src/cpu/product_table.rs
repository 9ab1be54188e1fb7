//! The ways of products by rows, columns and multiplications, for B as it is and for B stored transposed. Written by
//! `cargo run --release -p netform-runtime --example product_table -- --write` on 2026-11-29, on AMD EPYC.

use super::way::{ANY, Table, Way};

/// With AVX2 or more.
pub(super) const WIDE: Table = Table {
    f32: [
        &[
            (ANY, 1, ANY, Way::Gemm),
            (2, ANY, 131_072, Way::Rows),
            (64, ANY, 4_096, Way::Plain),
            (ANY, ANY, ANY, Way::Gemm),
        ],
        &[(ANY, ANY, ANY, Way::Gemm)],
    ],
    f64: [
        &[
            (ANY, 1, ANY, Way::Gemm),
            (2, ANY, 262_144, Way::Rows),
            (ANY, 4, 8_192, Way::MatrixMultiply),
            (64, ANY, 4_096, Way::Plain),
            (ANY, ANY, ANY, Way::Gemm),
        ],
        &[(ANY, ANY, ANY, Way::Gemm)],
    ],
};

/// With the baseline instruction set, and on other processors.
pub(super) const BASELINE: Table = Table {
    f32: [
        &[
            (2, ANY, 64, Way::Rows),
            (2, 4, ANY, Way::MatrixMultiply),
            (2, ANY, ANY, Way::Rows),
            (ANY, ANY, ANY, Way::MatrixMultiply),
        ],
        &[
            (16, 1, ANY, Way::Rows),
            (8, 4, ANY, Way::Rows),
            (2, ANY, ANY, Way::Rows),
            (16, ANY, 1_024, Way::Plain),
            (ANY, ANY, ANY, Way::MatrixMultiply),
        ],
    ],
    f64: [
        &[
            (4, ANY, 32, Way::Rows),
            (ANY, 4, ANY, Way::MatrixMultiply),
            (2, ANY, ANY, Way::Rows),
            (ANY, ANY, ANY, Way::MatrixMultiply),
        ],
        &[
            (4, ANY, 1_024, Way::Rows),
            (2, ANY, ANY, Way::Rows),
            (ANY, ANY, ANY, Way::MatrixMultiply),
        ],
    ],
};
