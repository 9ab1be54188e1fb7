//! Products of blocks: by the table, and row by row with loops for distances between rows of any kind.

use crate::isa::{Isa, Kernel, dispatch};
use crate::lanes::LANES;
use crate::{Float, Pack};

use super::super::choose::choose;
use super::super::gemm;
use super::super::rows::{put, read};
use super::super::way::Way;
use super::Rows;

/// Rows that are computed together.
const HIGH: usize = 4;

/// `C = op(A) B'` or `op(A) B`, with rows at their distances.
pub(super) struct Product<F> {
    /// Rows of C.
    pub(super) m: usize,
    /// Columns of C.
    pub(super) n: usize,
    /// The summed dimension.
    pub(super) k: usize,
    /// (m, k), or (k, m).
    pub(super) a: Rows<F>,
    pub(super) ta: bool,
    /// (k, n), or (n, k), then A is not transposed.
    pub(super) b: Rows<F>,
    pub(super) tb: bool,
    pub(super) c: Rows<F>,
    /// Whether the product is added to C.
    pub(super) add: bool,
}

impl<F: Float> Product<F> {
    /// Computes the product.
    ///
    /// # Safety
    /// The rows lie inside their arrays; C overlaps neither A nor B.
    pub(super) unsafe fn run(self) {
        let Self { m, n, k, .. } = self;
        if m == 0 || n == 0 {
            return;
        }
        // SAFETY: the caller's.
        unsafe {
            if choose::<F>(m, n, k, self.tb) == Way::Rows {
                return dispatch(Small(self));
            }
            let strides = |x: Rows<F>, transposed: bool| {
                let (row, column) = if transposed { (1, x.step) } else { (x.step, 1) };
                (x.first.cast_const(), row as isize, column as isize)
            };
            let (a, b) = (strides(self.a, self.ta), strides(self.b, self.tb));
            gemm::product(
                m,
                n,
                k,
                a,
                b,
                (self.c.first, self.c.step as isize),
                self.add,
            );
        }
    }
}

struct Small<F>(Product<F>);

impl<F: Float> Kernel for Small<F> {
    type Output = ();
    #[cfg_attr(not(debug_assertions), inline(always))]
    unsafe fn run<S: Isa>(self) {
        // SAFETY: the caller's.
        unsafe {
            if self.0.tb {
                return self.dots::<S>();
            }
            let m = self.0.m;
            for i in (0..m / HIGH * HIGH).step_by(HIGH) {
                self.tile::<S, HIGH>(i);
            }
            for i in m / HIGH * HIGH..m {
                self.tile::<S, 1>(i);
            }
        }
    }
}

impl<F: Float> Small<F> {
    /// Rows i..i + H of C, one pack of columns at a time: B's rows times numbers of A.
    ///
    /// # Safety
    /// The product's, and `S`'s instructions.
    #[cfg_attr(not(debug_assertions), inline(always))]
    unsafe fn tile<S: Isa, const H: usize>(&self, i: usize) {
        let Product { n, k, a, b, c, .. } = self.0;
        let (down, along) = if self.0.ta { (1, a.step) } else { (a.step, 1) };
        for j in (0..n).step_by(LANES) {
            let count = LANES.min(n - j);
            let mut sums = [Pack::<F>::splat(0.0); H];
            // SAFETY: positions inside A, B and C.
            unsafe {
                for l in 0..k {
                    let row = read::<F, S>(b.row(l).add(j), count);
                    for (r, sum) in sums.iter_mut().enumerate() {
                        *sum = *sum + Pack::all(*a.first.add((i + r) * down + l * along)) * row;
                    }
                }
                for (r, mut sum) in sums.into_iter().enumerate() {
                    let to = c.row(i + r).add(j);
                    if self.0.add {
                        sum = sum + read::<F, S>(to, count);
                    }
                    put::<F, S>(to, count, sum);
                }
            }
        }
    }

    /// All of C: rows of A times rows of B'.
    ///
    /// # Safety
    /// As above.
    #[cfg_attr(not(debug_assertions), inline(always))]
    unsafe fn dots<S: Isa>(&self) {
        let Product {
            m, n, k, a, b, c, ..
        } = self.0;
        for i in 0..m {
            for j in 0..n {
                let (x, y) = (a.row(i), b.row(j));
                let mut sum = Pack::<F>::splat(0.0);
                // SAFETY: positions inside A, B and C.
                unsafe {
                    for at in (0..k / LANES * LANES).step_by(LANES) {
                        sum = sum + read::<F, S>(x.add(at), LANES) * read::<F, S>(y.add(at), LANES);
                    }
                    let mut total = sum.fold(|p, q| p + q);
                    for at in k / LANES * LANES..k {
                        total += *x.add(at) * *y.add(at);
                    }
                    let to = c.row(i).add(j);
                    *to = if self.0.add { *to + total } else { total };
                }
            }
        }
    }
}
