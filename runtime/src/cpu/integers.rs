//! Arithmetic of 32-bit integers, computed in 64 bits: the kernel returns the first result that does not fit.

use crate::Float;
use crate::device::{Addr, Axis, Found, Integers};

/// # Safety
/// The kernels' contract.
pub(super) unsafe fn integers<F: Float>(f: Integers, [a, b, y]: [Addr; 3]) -> Result<(), Found> {
    let (a, b, y) = (a.cast::<i32>(), b.cast::<i32>(), y.cast::<i32>());
    let mut unfit = None;
    // SAFETY: the kernels' contract, for elements below the lengths that the call states.
    let read = |x: *mut i32, at: usize| i64::from(unsafe { *x.add(at) });
    let mut write = |at: usize, wide: i64| {
        if i32::try_from(wide).is_err() && unfit.is_none() {
            let value = wide as f64;
            unfit = Some(Found { at, value });
        }
        // SAFETY: as above. The low half.
        unsafe { *y.add(at) = wide as i32 };
    };
    match f {
        Integers::Add(len) => (0..len).for_each(|i| write(i, read(a, i) + read(b, i))),
        Integers::Sub(len) => (0..len).for_each(|i| write(i, read(a, i) - read(b, i))),
        Integers::Mul(len) => (0..len).for_each(|i| write(i, read(a, i) * read(b, i))),
        Integers::Cast(len) => {
            let x = a.cast::<F>();
            for i in 0..len {
                // SAFETY: as above. NaN and what is too large are beyond any 32-bit integer.
                let v = unsafe { *x.add(i) }.to_f64().trunc();
                write(i, if v.is_nan() { i64::MAX } else { v as i64 });
            }
        }
        Integers::Reduce(kind, Axis { outer, n, inner }) => {
            for column in 0..outer * inner {
                let first = column / inner * n * inner + column % inner;
                let row = (0..n).map(|j| read(a, first + j * inner));
                // An extreme of nothing does not fit.
                let nothing = match kind.neutral() {
                    x if x.is_infinite() => i64::MAX,
                    x => x as i64,
                };
                let found = row.reduce(|a, b| kind.combine(a, b));
                write(column, found.unwrap_or(nothing));
            }
        }
        Integers::Running(kind, Axis { outer, n, inner }) => {
            for column in 0..outer * inner {
                let first = column / inner * n * inner + column % inner;
                let mut found = None;
                for j in 0..n {
                    let next = read(a, first + j * inner);
                    let all = found.map_or(next, |before| kind.combine(before, next));
                    found = Some(all);
                    write(first + j * inner, all);
                }
            }
        }
    }
    unfit.map_or(Ok(()), |mut unfit| {
        if let Integers::Cast(_) = f {
            // SAFETY: as above. The number that was cut.
            unfit.value = unsafe { *a.cast::<F>().add(unfit.at) }.to_f64();
        }
        Err(unfit)
    })
}
