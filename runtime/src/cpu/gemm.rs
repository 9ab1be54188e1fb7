//! The one function behind which large matrix products go: `C = A B`, or `C += A B`, on one thread.
//!
//! Two libraries compute them. `gemm` (its crates `gemm-f32` and `gemm-f64`) has kernels for AVX2 and AVX-512;
//! `matrixmultiply` is the portable one, for the baseline instruction set and other processors.
//! `examples/gemm_choice.rs` compares them. Nothing else in the runtime knows which library it was.

use std::sync::atomic::{AtomicU8, Ordering};

use crate::Float;
use crate::float::PerFloat;

/// Which library.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Library {
    /// `matrixmultiply`.
    Portable = 1,
    /// `gemm`.
    Wide = 2,
}

/// The library for this processor; `NETFORM_ISA=baseline` chooses the portable one.
fn library() -> Library {
    // 0 until the first question.
    static CHOSEN: AtomicU8 = AtomicU8::new(0);
    match CHOSEN.load(Ordering::Relaxed) {
        1 => Library::Portable,
        2 => Library::Wide,
        _ => {
            let baseline = std::env::var("NETFORM_ISA").is_ok_and(|isa| isa == "baseline");
            let chosen = match has_wide() && !baseline {
                true => Library::Wide,
                false => Library::Portable,
            };
            CHOSEN.store(chosen as u8, Ordering::Relaxed);
            chosen
        }
    }
}

#[cfg(target_arch = "x86_64")]
fn has_wide() -> bool {
    is_x86_feature_detected!("avx2") && is_x86_feature_detected!("fma")
}

#[cfg(not(target_arch = "x86_64"))]
fn has_wide() -> bool {
    false
}

/// A matrix that is read: its first element, the distance between rows, that between columns.
type Matrix<T> = (*const T, isize, isize);

/// A type that both libraries multiply. Both methods compute `C = A B`, or with `add` `C += A B`.
pub(crate) trait Element: bytemuck::Pod {
    /// By `matrixmultiply`.
    ///
    /// # Safety
    /// As for [`multiply`].
    unsafe fn portable(
        size: [usize; 3],
        a: Matrix<Self>,
        b: Matrix<Self>,
        c: (*mut Self, isize),
        add: bool,
    );
    /// By `gemm`.
    ///
    /// # Safety
    /// As for [`multiply`].
    unsafe fn wide(
        size: [usize; 3],
        a: Matrix<Self>,
        b: Matrix<Self>,
        c: (*mut Self, isize),
        add: bool,
    );
}

macro_rules! element {
    ($($float:ty, $portable:path, $wide:path;)*) => { $(
        impl Element for $float {
            unsafe fn portable(
                [m, n, k]: [usize; 3],
                a: Matrix<Self>,
                b: Matrix<Self>,
                c: (*mut Self, isize),
                add: bool,
            ) {
                let beta = if add { 1.0 } else { 0.0 };
                // SAFETY: the caller's.
                unsafe { $portable(m, k, n, 1.0, a.0, a.1, a.2, b.0, b.1, b.2, beta, c.0, c.1, 1) };
            }

            unsafe fn wide(
                [m, n, k]: [usize; 3],
                a: Matrix<Self>,
                b: Matrix<Self>,
                c: (*mut Self, isize),
                add: bool,
            ) {
                // Its kernels write columns: rows of C are columns of its transpose `B' A'`.
                let one = gemm_common::Parallelism::None;
                // SAFETY: the caller's.
                unsafe {
                    $wide()(
                        n, m, k, c.0, c.1, 1, add, b.0, b.1, b.2, a.0, a.1, a.2, 1.0, 1.0, false,
                        false, false, one,
                    );
                }
            }
        }
    )* };
}
element! {
    f32, matrixmultiply::sgemm, gemm_f32::gemm::f32::get_gemm_fn;
    f64, matrixmultiply::dgemm, gemm_f64::gemm::f64::get_gemm_fn;
}

/// The general product of an (m, k) by a (k, n) matrix with strides (row, column); `C` is row-major with row stride
/// `c.1`. With `add` it is added to what `C` holds.
///
/// # Safety
/// All elements lie inside their buffers; `C` overlaps neither `A` nor `B`.
pub(crate) unsafe fn multiply<T: Element>(
    m: usize,
    n: usize,
    k: usize,
    a: Matrix<T>,
    b: Matrix<T>,
    c: (*mut T, isize),
    add: bool,
) {
    // SAFETY: the caller's.
    unsafe {
        match library() {
            Library::Portable => T::portable([m, n, k], a, b, c, add),
            Library::Wide => T::wide([m, n, k], a, b, c, add),
        }
    }
}

/// [`multiply`] in any float type, compiled in this crate and not in every crate that declares a network.
///
/// # Safety
/// As for [`multiply`].
#[inline(always)]
pub(crate) unsafe fn product<F: Float>(
    m: usize,
    n: usize,
    k: usize,
    a: (*const F, isize, isize),
    b: (*const F, isize, isize),
    c: (*mut F, isize),
    add: bool,
) {
    // SAFETY: the caller's.
    unsafe { F::per::<Multiply>((m, n, k, a, b, c, add)) }
}

enum Multiply {}

/// Sizes, `A`, `B`, `C`, and whether to add.
type Matrices<F> = (
    usize,
    usize,
    usize,
    (*const F, isize, isize),
    (*const F, isize, isize),
    (*mut F, isize),
    bool,
);

impl PerFloat for Multiply {
    type Args<'a, F: Float> = Matrices<F>;
    type Output<F: Float> = ();
    unsafe fn f32((m, n, k, a, b, c, add): Matrices<f32>) {
        // SAFETY: the caller's.
        unsafe { multiply(m, n, k, a, b, c, add) }
    }
    unsafe fn f64((m, n, k, a, b, c, add): Matrices<f64>) {
        // SAFETY: the caller's.
        unsafe { multiply(m, n, k, a, b, c, add) }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Both libraries give the sums of a plain loop, also into what C holds, and for sizes of 0.
    #[test]
    fn either_library() {
        for (m, n, k) in [(1, 1, 1), (3, 5, 7), (17, 33, 64), (48, 64, 0), (0, 4, 3)] {
            let a: Vec<f64> = (0..m * k).map(|i| (i % 13) as f64 - 6.0).collect();
            let b: Vec<f64> = (0..n * k).map(|i| (i % 11) as f64 - 5.0).collect();
            for add in [false, true] {
                let mut want = vec![if add { 2.0 } else { 0.0 }; m * n];
                for (at, want) in want.iter_mut().enumerate() {
                    // B is stored as (n, k).
                    let (i, j) = (at / n, at % n);
                    *want += (0..k).map(|l| a[i * k + l] * b[j * k + l]).sum::<f64>();
                }
                let (left, right) = ((a.as_ptr(), k as isize, 1), (b.as_ptr(), 1, k as isize));
                for library in [f64::portable, f64::wide] {
                    let mut c = vec![2.0; m * n];
                    // SAFETY: the vectors hold the matrices.
                    unsafe { library([m, n, k], left, right, (c.as_mut_ptr(), n as isize), add) };
                    assert_eq!(c, want, "{m} {n} {k} {add}");
                }
            }
        }
    }
}
