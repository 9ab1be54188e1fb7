//! `dst[i] = src[i]` with strides on both sides, and fills.

use super::Cpu;
use super::lanes::size_of_dtype;
use super::rows::Shared;
use crate::device::{Addr, CopyKernels};
use crate::{DType, Float, Number};

/// Side of the square tiles in which crossed dimensions are copied.
const TILE: usize = 16;

/// Whether different positions of a window are certainly different elements: ordered by stride, each dimension steps
/// over the whole range of the smaller ones.
fn distinct<const R: usize>(shape: [usize; R], strides: [isize; R]) -> bool {
    let mut order: [usize; R] = std::array::from_fn(|d| d);
    order.sort_unstable_by_key(|&d| strides[d].unsigned_abs());
    let mut reach = 0usize;
    order.into_iter().filter(|&d| shape[d] > 1).all(|d| {
        let stride = strides[d].unsigned_abs();
        let fits = stride > reach;
        reach = reach.saturating_add(stride.saturating_mul(shape[d] - 1));
        fits
    })
}

/// Copies `rows` times `columns` elements.
///
/// # Safety
/// The kernels' contract.
unsafe fn plane<T: Copy>(
    rows: usize,
    columns: usize,
    src: (*const T, isize, isize),
    dst: (*mut T, isize, isize),
) {
    let ((from, sr, sc), (to, dr, dc)) = (src, dst);
    // SAFETY: positions are inside the windows.
    unsafe {
        if sc == 1 && dc == 1 {
            for r in 0..rows as isize {
                std::ptr::copy_nonoverlapping(from.offset(r * sr), to.offset(r * dr), columns);
            }
        } else if sc.unsigned_abs() > sr.unsigned_abs() && sr != 0 && columns >= TILE {
            // A transposition: in tiles, so that a cache line is used while it is in the cache.
            for c0 in (0..columns).step_by(TILE) {
                for r in 0..rows as isize {
                    for c in c0 as isize..columns.min(c0 + TILE) as isize {
                        *to.offset(r * dr + c * dc) = *from.offset(r * sr + c * sc);
                    }
                }
            }
        } else {
            for r in 0..rows as isize {
                for c in 0..columns as isize {
                    *to.offset(r * dr + c * dc) = *from.offset(r * sr + c * sc);
                }
            }
        }
    }
}

/// # Safety
/// The kernels' contract.
unsafe fn strided<T: Copy, F: Float, const R: usize>(
    cpu: &Cpu<F>,
    shape: [usize; R],
    src: (*const T, [isize; R]),
    dst: (*mut T, [isize; R]),
) {
    let total: usize = shape.iter().product();
    if total == 0 {
        return;
    }
    if R == 0 {
        // SAFETY: one element each.
        unsafe { *dst.0 = *src.0 };
        return;
    }
    let columns = shape[R - 1];
    let (rows, sr, dr) = if R > 1 {
        (shape[R - 2], src.1[R - 2], dst.1[R - 2])
    } else {
        (1, 0, 0)
    };
    // Units are whole planes if there are enough planes, and ranges of rows otherwise.
    let planes = total / (rows * columns);
    let cuts = if planes < 4 { rows.div_ceil(64) } else { 1 };
    let height = rows.div_ceil(cuts);
    let (from, to) = (Shared(src.0.cast_mut()), Shared(dst.0));
    let copy = |first: usize, last: usize| {
        for unit in first..last {
            let (mut rest, cut) = (unit / cuts, unit % cuts);
            let (mut s, mut d) = (0isize, 0isize);
            for dim in (0..R.saturating_sub(2)).rev() {
                let at = (rest % shape[dim]) as isize;
                rest /= shape[dim];
                s += at * src.1[dim];
                d += at * dst.1[dim];
            }
            let row = cut * height;
            if row >= rows {
                continue;
            }
            s += row as isize * sr;
            d += row as isize * dr;
            // SAFETY: a part of the windows.
            unsafe {
                let source = (from.get().offset(s).cast_const(), sr, src.1[R - 1]);
                plane(
                    height.min(rows - row),
                    columns,
                    source,
                    (to.get().offset(d), dr, dst.1[R - 1]),
                );
            }
        }
    };
    if distinct(shape, dst.1) {
        cpu.share(planes * cuts, total, copy);
    } else {
        copy(0, planes * cuts);
    }
}

impl<F: Float> CopyKernels for Cpu<F> {
    unsafe fn copy<const R: usize>(
        &self,
        dtype: DType,
        shape: [usize; R],
        src: (Addr, [isize; R]),
        dst: (Addr, [isize; R]),
    ) {
        // SAFETY: the caller's; elements are moved as plain bits of their size.
        unsafe {
            match size_of_dtype::<F>(dtype) {
                8 => {
                    strided::<u64, F, R>(self, shape, (src.0.cast(), src.1), (dst.0.cast(), dst.1))
                }
                4 => {
                    strided::<u32, F, R>(self, shape, (src.0.cast(), src.1), (dst.0.cast(), dst.1))
                }
                _ => strided::<u8, F, R>(self, shape, (src.0.cast_const(), src.1), dst),
            }
        }
    }
}

/// Sets `len` elements.
///
/// # Safety
/// The kernels' contract.
pub(super) unsafe fn fill<F: Float>(value: Number, len: usize, dst: Addr) {
    // SAFETY: the caller's.
    unsafe {
        match value {
            Number::Float(value) if value == 0.0 && value.is_sign_positive() => {
                dst.write_bytes(0, len * size_of::<F>())
            }
            Number::Float(value) => {
                std::slice::from_raw_parts_mut(dst.cast::<F>(), len).fill(F::from_f64(value))
            }
            Number::Int(value) => {
                std::slice::from_raw_parts_mut(dst.cast::<i64>(), len).fill(value)
            }
            Number::Bool(value) => dst.write_bytes(u8::from(value), len),
        }
    }
}
