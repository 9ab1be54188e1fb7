//! The one function through which products of blocks go: `C = A B`, or `C += A B`, on one thread, by a given [`Way`] or by
//! the one that the table has for their sizes. Nothing else in the runtime knows which kernel it was.
//!
//! Two libraries compute them: `gemm` (its crates `gemm-f32` and `gemm-f64`), which has kernels for AVX2 and AVX-512, and
//! `matrixmultiply`, the portable one. The plain loop needs neither.

use super::choose::choose_strided;
use super::plain::Plain;
use super::way::Way;
use crate::Float;
use crate::float::PerFloat;
use crate::isa::dispatch;

/// A matrix that is read: its first element, the distance between rows, that between columns.
type Matrix<T> = (*const T, isize, isize);

/// A type that both libraries multiply. Both methods compute `C = A B`, or with `add` `C += A B`.
pub(crate) trait Element: Float {
    /// By `matrixmultiply`.
    ///
    /// # Safety
    /// As for [`multiply`].
    unsafe fn matrixmultiply(
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
    unsafe fn gemm(
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
            unsafe fn matrixmultiply(
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

            unsafe fn gemm(
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

/// The product by a way, of an (m, k) by a (k, n) matrix with strides (row, column); `C` is row-major with row stride
/// `c.1`. With `add` it is added to what `C` holds.
///
/// # Safety
/// All elements lie inside their buffers; `C` overlaps neither `A` nor `B`.
unsafe fn multiply<T: Element>(
    way: Way,
    [m, n, k]: [usize; 3],
    a: Matrix<T>,
    b: Matrix<T>,
    c: (*mut T, isize),
    add: bool,
) {
    // SAFETY: the caller's.
    unsafe {
        match way {
            Way::Gemm => T::gemm([m, n, k], a, b, c, add),
            Way::MatrixMultiply => T::matrixmultiply([m, n, k], a, b, c, add),
            Way::Plain | Way::Rows => dispatch(Plain {
                m,
                n,
                k,
                a,
                b,
                c,
                add,
            }),
        }
    }
}

/// The product by the table, in any float type, compiled in this crate and not in every crate that declares a network.
///
/// # Safety
/// As for [`multiply`].
#[cfg_attr(not(debug_assertions), inline(always))]
pub(crate) unsafe fn product<F: Float>(
    m: usize,
    n: usize,
    k: usize,
    a: (*const F, isize, isize),
    b: (*const F, isize, isize),
    c: (*mut F, isize),
    add: bool,
) {
    let tb = b.1 == 1 && b.2 != 1;
    let way = choose_strided::<F>(m, n, k, tb);
    // SAFETY: the caller's.
    unsafe { product_by(way, [m, n, k], a, b, c, add) }
}

/// [`product`] by a given way; what would go row by row goes through the plain loop.
///
/// # Safety
/// As for [`multiply`].
#[cfg_attr(not(debug_assertions), inline(always))]
pub(crate) unsafe fn product_by<F: Float>(
    way: Way,
    size: [usize; 3],
    a: (*const F, isize, isize),
    b: (*const F, isize, isize),
    c: (*mut F, isize),
    add: bool,
) {
    // SAFETY: the caller's.
    unsafe { F::per::<Multiply>((way, size, a, b, c, add)) }
}

enum Multiply {}

/// The way, the sizes m, n and k, `A`, `B`, `C`, and whether to add.
type Matrices<F> = (
    Way,
    [usize; 3],
    (*const F, isize, isize),
    (*const F, isize, isize),
    (*mut F, isize),
    bool,
);

impl PerFloat for Multiply {
    type Args<'a, F: Float> = Matrices<F>;
    type Output<F: Float> = ();
    unsafe fn f32((way, size, a, b, c, add): Matrices<f32>) {
        // SAFETY: the caller's.
        unsafe { multiply(way, size, a, b, c, add) }
    }
    unsafe fn f64((way, size, a, b, c, add): Matrices<f64>) {
        // SAFETY: the caller's.
        unsafe { multiply(way, size, a, b, c, add) }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Small integers, of which every way has the exact sums.
    fn integers<T: Float>(count: usize, period: i64) -> Vec<T> {
        let value = |i| T::from_i64(i as i64 * 7 % period - period / 2);
        (0..count).map(value).collect()
    }

    /// Distances (row, column) of a (rows, columns) matrix, stored transposed or not, with `gap` elements after each
    /// stored row, and the elements that it spans.
    fn stored(
        rows: usize,
        columns: usize,
        transposed: bool,
        gap: usize,
    ) -> ((isize, isize), usize) {
        match transposed {
            false => (((columns + gap) as isize, 1), rows * (columns + gap)),
            true => ((1, (rows + gap) as isize), columns * (rows + gap)),
        }
    }

    fn agree<T: Element>() {
        let sizes = [0, 1, 2, 3, 4, 5, 7, 15, 16, 17, 33, 63, 64, 65, 67, 130];
        // Every pair of sizes is there in some order; a third size goes with them.
        for (at, m) in sizes.into_iter().enumerate() {
            for (step, n) in sizes.into_iter().enumerate() {
                let k = sizes[(at * 5 + step * 3) % sizes.len()];
                for case in 0..16 {
                    let (ta, tb, add) = (case & 1 > 0, case & 2 > 0, case & 4 > 0);
                    let gap = if case & 8 > 0 { 3 } else { 0 };
                    let ((a_down, a_along), a_length) = stored(m, k, ta, gap);
                    let ((b_down, b_along), b_length) = stored(k, n, tb, gap);
                    let (a, b) = (integers::<T>(a_length, 13), integers::<T>(b_length, 11));
                    let by = |way| {
                        let mut c = integers::<T>(m * (n + gap), 9);
                        // SAFETY: the vectors hold the matrices.
                        unsafe {
                            multiply(
                                way,
                                [m, n, k],
                                (a.as_ptr(), a_down, a_along),
                                (b.as_ptr(), b_down, b_along),
                                (c.as_mut_ptr(), (n + gap) as isize),
                                add,
                            );
                        }
                        c
                    };
                    let want = by(Way::MatrixMultiply);
                    for way in [Way::Plain, Way::Gemm] {
                        assert!(by(way) == want, "{way:?} {m} {n} {k} case {case}");
                    }
                }
            }
        }
    }

    /// Every way gives what `matrixmultiply` gives, for any strides, also into what C holds, and for sizes of 0; what
    /// lies between rows of C stays.
    #[test]
    fn ways_agree_f32() {
        agree::<f32>();
    }

    #[test]
    fn ways_agree_f64() {
        agree::<f64>();
    }

    /// And `matrixmultiply` gives the sums of three loops.
    #[test]
    fn the_oracle() {
        for (m, n, k) in [(1, 1, 1), (3, 5, 7), (17, 33, 64), (48, 64, 0), (0, 4, 3)] {
            let (a, b) = (integers::<f64>(m * k, 13), integers::<f64>(n * k, 11));
            for add in [false, true] {
                let mut want = vec![if add { 2.0 } else { 0.0 }; m * n];
                for (at, want) in want.iter_mut().enumerate() {
                    // B is stored as (n, k).
                    let (i, j) = (at / n, at % n);
                    *want += (0..k).map(|l| a[i * k + l] * b[j * k + l]).sum::<f64>();
                }
                let (left, right) = ((a.as_ptr(), k as isize, 1), (b.as_ptr(), 1, k as isize));
                let mut c = vec![2.0; m * n];
                let to = (c.as_mut_ptr(), n as isize);
                // SAFETY: the vectors hold the matrices.
                unsafe { multiply(Way::MatrixMultiply, [m, n, k], left, right, to, add) };
                assert_eq!(c, want, "{m} {n} {k} {add}");
            }
        }
    }
}
