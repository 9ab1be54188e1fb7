//! Arithmetic of 64-bit integers: the kernel returns the first result that does not fit.
//!
//! An operation that overflows is computed again in 128 bits, for the message. Sums and products of many are computed
//! in 128 bits, so that an intermediate value may exceed 64 bits.

use crate::Float;
use crate::device::{Addr, Axis, Exact, Found, Integers};
use netform_core::Combiner;

/// # Safety
/// The kernels' contract.
pub(super) unsafe fn integers<F: Float>(f: Integers, [a, b, y]: [Addr; 3]) -> Result<(), Found> {
    let (a, b, y) = (a.cast::<i64>(), b.cast::<i64>(), y.cast::<i64>());
    // SAFETY: the contract, for elements below the lengths that the call states.
    unsafe {
        match f {
            Integers::Add(n) => pairs(n, [a, b, y], i64::overflowing_add, |a, b| a + b),
            Integers::Sub(n) => pairs(n, [a, b, y], i64::overflowing_sub, |a, b| a - b),
            Integers::Mul(n) => pairs(n, [a, b, y], i64::overflowing_mul, |a, b| a * b),
            Integers::Cast(n) => cast(n, a.cast::<F>(), y),
            Integers::Reduce(how, axis) => reduce(how, axis, a, y),
            Integers::Running(how, axis) => running(how, axis, a, y),
        }
    }
}

/// `y[i] = narrow(a[i], b[i])`. The error has `wide` of the first pair that overflows.
///
/// # Safety
/// `n` elements may be read at the first two and written at the last.
#[cfg_attr(not(debug_assertions), inline(always))]
unsafe fn pairs(
    n: usize,
    [a, b, y]: [*mut i64; 3],
    narrow: impl Fn(i64, i64) -> (i64, bool),
    wide: impl Fn(i128, i128) -> i128,
) -> Result<(), Found> {
    let mut over = false;
    for i in 0..n {
        // SAFETY: the caller's.
        unsafe {
            let (value, overflows) = narrow(*a.add(i), *b.add(i));
            *y.add(i) = value;
            over |= overflows;
        }
    }
    if !over {
        return Ok(());
    }
    for at in 0..n {
        // SAFETY: the caller's; y is a separate array, so the operands are unchanged.
        let (a, b) = unsafe { (*a.add(at), *b.add(at)) };
        if narrow(a, b).1 {
            let value = Exact::Int(wide(a.into(), b.into()));
            return Err(Found { at, value });
        }
    }
    Ok(())
}

/// Rounds towards zero.
///
/// # Safety
/// `n` elements may be read and written.
unsafe fn cast<F: Float>(n: usize, x: *const F, y: *mut i64) -> Result<(), Found> {
    let mut unfit = Ok(());
    for at in 0..n {
        // SAFETY: the caller's.
        let v = unsafe { *x.add(at) }.to_f64().trunc();
        // From -2^63 on and below 2^63; false for NaN.
        let fits = v >= i64::MIN as f64 && v < -(i64::MIN as f64);
        if !fits && unfit.is_ok() {
            // SAFETY: the caller's. The number before rounding.
            let value = Exact::Float(unsafe { *x.add(at) }.to_f64());
            unfit = Err(Found { at, value });
        }
        // SAFETY: the caller's.
        unsafe { *y.add(at) = v as i64 };
    }
    unfit
}

/// A result that may not fit.
struct Results {
    y: *mut i64,
    unfit: Result<(), Found>,
}

impl Results {
    /// # Safety
    /// Element `at` may be written.
    #[cfg_attr(not(debug_assertions), inline(always))]
    unsafe fn write(&mut self, at: usize, wide: i128) {
        if i64::try_from(wide).is_err() && self.unfit.is_ok() {
            let value = Exact::Int(wide);
            self.unfit = Err(Found { at, value });
        }
        // SAFETY: the caller's.
        unsafe { *self.y.add(at) = wide as i64 };
    }
}

/// # Safety
/// The kernels' contract.
unsafe fn reduce(how: Combiner, axis: Axis, x: *const i64, y: *mut i64) -> Result<(), Found> {
    let Axis { outer, n, inner } = axis;
    let unfit = Ok(());
    let mut results = Results { y, unfit };
    // The largest or smallest of no elements does not fit.
    let nothing = match how {
        Combiner::Sum => 0,
        Combiner::Prod => 1,
        Combiner::Max | Combiner::Min => i128::MAX,
    };
    for column in 0..outer * inner {
        let first = column / inner * n * inner + column % inner;
        // SAFETY: the column's elements.
        let row = (0..n).map(|j| i128::from(unsafe { *x.add(first + j * inner) }));
        let found = row.reduce(|a, b| how.combine(a, b)).unwrap_or(nothing);
        // SAFETY: the column's result.
        unsafe { results.write(column, found) };
    }
    results.unfit
}

/// # Safety
/// The kernels' contract.
unsafe fn running(how: Combiner, axis: Axis, x: *const i64, y: *mut i64) -> Result<(), Found> {
    let Axis { outer, n, inner } = axis;
    let unfit = Ok(());
    let mut results = Results { y, unfit };
    for column in 0..outer * inner {
        let first = column / inner * n * inner + column % inner;
        let mut found = None;
        for j in 0..n {
            let at = first + j * inner;
            // SAFETY: an element of the column, and its result.
            unsafe {
                let next = i128::from(*x.add(at));
                let all = found.map_or(next, |before| how.combine(before, next));
                found = Some(all);
                results.write(at, all);
            }
        }
    }
    results.unfit
}
