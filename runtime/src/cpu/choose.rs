//! The choice of a product's way: takes its sizes and returns a [`Way`], by the table that
//! `runtime/examples/product_table` wrote.
//!
//! Only sizes, the type and the instruction set count, so results do not depend on the number of threads.

use std::sync::atomic::{AtomicU8, Ordering};

use super::product_table::{BASELINE, WIDE};
use super::way::{Class, Table, Way};

/// The way of a product of (m, k) by (k, n) matrices whose rows lie one after the other.
/// `tb`: B is stored transposed.
pub(super) fn choose<F>(m: usize, n: usize, k: usize, tb: bool) -> Way {
    // A sum of nothing is the epilogue of zeros.
    if k == 0 {
        return Way::Rows;
    }
    first(classes::<F>(tb), [m, n, k], true)
}

/// The way of a product whose operands have strides of any kind: never row by row.
pub(super) fn choose_strided<F>(m: usize, n: usize, k: usize, tb: bool) -> Way {
    first(classes::<F>(tb), [m, n, k], false)
}

/// The first class that holds these sizes.
fn first(classes: &[Class], [m, n, k]: [usize; 3], by_rows: bool) -> Way {
    let work = m * n * k;
    let holds = |class: &&Class| {
        m <= class.0 && n <= class.1 && work <= class.2 && (by_rows || class.3 != Way::Rows)
    };
    classes
        .iter()
        .find(holds)
        .map_or(Way::Plain, |class| class.3)
}

/// The classes of a float type on this processor.
fn classes<F>(tb: bool) -> &'static [Class] {
    let table = table();
    match size_of::<F>() {
        4 => table.f32[usize::from(tb)],
        _ => table.f64[usize::from(tb)],
    }
}

/// The table for this processor; `NETFORM_ISA=baseline` chooses that of the baseline.
fn table() -> &'static Table {
    // 0 until the first question.
    static CHOSEN: AtomicU8 = AtomicU8::new(0);
    match CHOSEN.load(Ordering::Relaxed) {
        1 => &BASELINE,
        2 => &WIDE,
        _ => {
            let baseline = std::env::var("NETFORM_ISA").is_ok_and(|isa| isa == "baseline");
            let (number, table) = match has_wide() && !baseline {
                true => (2, &WIDE),
                false => (1, &BASELINE),
            };
            CHOSEN.store(number, Ordering::Relaxed);
            table
        }
    }
}

/// Whether `gemm` has kernels for this processor: with AVX2.
#[cfg(target_arch = "x86_64")]
#[doc(hidden)]
#[must_use]
pub fn has_wide() -> bool {
    is_x86_feature_detected!("avx2") && is_x86_feature_detected!("fma")
}

/// Whether `gemm` has kernels for this processor: on others than x86-64 the portable library is used.
#[cfg(not(target_arch = "x86_64"))]
#[doc(hidden)]
#[must_use]
pub fn has_wide() -> bool {
    false
}

#[cfg(test)]
mod tests {
    use super::super::way::ANY;
    use super::*;

    /// Every product has a class, also one that may not go row by row.
    #[test]
    fn tables_are_complete() {
        let all = [BASELINE.f32, BASELINE.f64, WIDE.f32, WIDE.f64];
        for classes in all.into_iter().flatten() {
            let last = classes.last().unwrap();
            assert_eq!((last.0, last.1, last.2), (ANY, ANY, ANY));
            assert_ne!(last.3, Way::Rows);
        }
    }

    #[test]
    fn the_first_class_counts() {
        let classes = [
            (1, ANY, ANY, Way::Rows),
            (8, ANY, 100, Way::Plain),
            (ANY, 4, ANY, Way::MatrixMultiply),
            (ANY, ANY, ANY, Way::Gemm),
        ];
        for (size, by_rows, want) in [
            ([1, 10, 1_000], true, Way::Rows),
            ([1, 10, 10], false, Way::Plain),
            ([1, 10, 11], false, Way::Gemm),
            ([8, 4, 3], true, Way::Plain),
            ([9, 4, 3], true, Way::MatrixMultiply),
            ([9, 5, 2], true, Way::Gemm),
        ] {
            assert_eq!(first(&classes, size, by_rows), want, "{size:?}");
        }
    }
}
