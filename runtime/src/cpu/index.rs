//! Reads and writes at positions held as data. Indices are checked here: an index outside 0..n is not accessed; it
//! leaves 0 and makes the kernel return `false`.

use std::sync::atomic::{AtomicBool, Ordering};

use super::Cpu;
use super::rows::Shared;
use crate::Float;
use crate::device::{Addr, Axis};

/// The maximum number of classes of rows that threads sum separately, a power of two. A class is the rows whose numbers
/// have the same remainder. Many vocabularies have frequent words side by side, which this spreads over classes.
const CLASSES: usize = 64;

/// The position that an index names, if it is in range.
#[cfg_attr(not(debug_assertions), inline(always))]
fn position(index: i64, n: usize) -> Option<usize> {
    usize::try_from(index).ok().filter(|&i| i < n)
}

/// # Safety
/// The kernels' contract.
pub(super) unsafe fn take<T: bytemuck::Pod, F: Float>(
    cpu: &Cpu<F>,
    axis: Axis,
    count: usize,
    x: *mut T,
    index: *const i64,
    y: *mut T,
) -> bool {
    let Axis { outer, n, inner } = axis;
    let (x, y, index) = (Shared(x), Shared(y), Shared(index.cast_mut()));
    let fine = AtomicBool::new(true);
    cpu.share(outer * count, outer * count * inner, |from, to| {
        let (mut o, mut c) = (from / count.max(1), from % count.max(1));
        for unit in from..to {
            // SAFETY: the unit's run of y, and a checked run of x.
            unsafe {
                let y = y.get().add(unit * inner);
                match position(*index.get().add(c), n) {
                    Some(at) if inner == 1 => *y = *x.get().add(o * n + at),
                    Some(at) => {
                        let x = x.get().add((o * n + at) * inner);
                        std::ptr::copy_nonoverlapping(x, y, inner);
                    }
                    None => {
                        y.write_bytes(0, inner);
                        fine.store(false, Ordering::Relaxed);
                    }
                }
            }
            c += 1;
            if c == count {
                (o, c) = (o + 1, 0);
            }
        }
    });
    fine.into_inner()
}

/// # Safety
/// The kernels' contract.
pub(super) unsafe fn put<T: bytemuck::Pod, F: Float>(
    cpu: &Cpu<F>,
    axis: Axis,
    count: usize,
    src: *mut T,
    index: *const i64,
    y: *mut T,
) -> bool {
    let Axis { outer, n, inner } = axis;
    let (src, y, index) = (Shared(src), Shared(y), Shared(index.cast_mut()));
    let fine = AtomicBool::new(true);
    // Threads take blocks, so that of equal indices the last one wins.
    cpu.share(outer, outer * count * inner, |from, to| {
        for unit in from * count..to * count {
            // SAFETY: the unit's run of src, and a checked run of this block of y.
            unsafe {
                match position(*index.get().add(unit % count), n) {
                    Some(at) => {
                        let y = y.get().add((unit / count * n + at) * inner);
                        std::ptr::copy_nonoverlapping(src.get().add(unit * inner), y, inner);
                    }
                    None => fine.store(false, Ordering::Relaxed),
                }
            }
        }
    });
    fine.into_inner()
}

/// # Safety
/// The kernels' contract.
pub(super) unsafe fn gather<T: bytemuck::Pod, F: Float>(
    cpu: &Cpu<F>,
    axis: Axis,
    count: usize,
    x: *mut T,
    index: *const i64,
    y: *mut T,
) -> bool {
    let Axis { outer, n, inner } = axis;
    let (x, y, index) = (Shared(x), Shared(y), Shared(index.cast_mut()));
    let fine = AtomicBool::new(true);
    cpu.share(outer, outer * count * inner, |from, to| {
        for o in from..to {
            for at in 0..count * inner {
                // SAFETY: element `at` of the block, and a checked element of x.
                unsafe {
                    let i = at % inner;
                    let at = o * count * inner + at;
                    *y.get().add(at) = match position(*index.get().add(at), n) {
                        Some(j) => *x.get().add((o * n + j) * inner + i),
                        None => {
                            fine.store(false, Ordering::Relaxed);
                            T::zeroed()
                        }
                    };
                }
            }
        }
    });
    fine.into_inner()
}

/// # Safety
/// The kernels' contract.
pub(super) unsafe fn take_grad<F: Float>(
    cpu: &Cpu<F>,
    axis: Axis,
    count: usize,
    [dy, index, dx]: [Addr; 3],
) -> bool {
    let Axis { outer, n, inner } = axis;
    let (dy, dx, index) = (
        Shared(dy.cast::<F>()),
        Shared(dx.cast::<F>()),
        Shared(index.cast::<i64>()),
    );
    let fine = AtomicBool::new(true);
    // Threads take columns, and of these classes of rows, so that every element is summed in the order of the indices.
    let cuts = inner.div_ceil(64);
    let classes = CLASSES.min(n.next_power_of_two());
    let units = outer * cuts * classes;
    cpu.share(units, outer * (count + n) * inner, |from, to| {
        let mut unit = from;
        while unit < to {
            let (block, low) = (unit / classes, unit % classes);
            let high = classes.min(low + to - unit);
            unit += high - low;
            let ours = |j: usize| (low..high).contains(&(j & (classes - 1)));
            let (o, i) = (block / cuts, block % cuts * 64);
            let width = 64.min(inner - i);
            // SAFETY: the columns of these rows of dx, checked rows.
            unsafe {
                if high - low == classes && width == inner {
                    dx.get().add(o * n * inner).write_bytes(0, n * inner);
                } else {
                    for j in (0..n).filter(|j| ours(*j)) {
                        dx.get().add((o * n + j) * inner + i).write_bytes(0, width);
                    }
                }
                for c in 0..count {
                    let Some(j) = position(*index.get().add(c), n) else {
                        fine.store(false, Ordering::Relaxed);
                        continue;
                    };
                    if !ours(j) {
                        continue;
                    }
                    let from = dy.get().add((o * count + c) * inner + i);
                    let to = dx.get().add((o * n + j) * inner + i);
                    if width == 1 {
                        *to += *from;
                        continue;
                    }
                    for k in 0..width {
                        *to.add(k) += *from.add(k);
                    }
                }
            }
        }
    });
    fine.into_inner()
}

/// # Safety
/// The kernels' contract.
pub(super) unsafe fn gather_grad<F: Float>(
    cpu: &Cpu<F>,
    axis: Axis,
    count: usize,
    [dy, index, dx]: [Addr; 3],
) -> bool {
    let Axis { outer, n, inner } = axis;
    let (dy, dx, index) = (
        Shared(dy.cast::<F>()),
        Shared(dx.cast::<F>()),
        Shared(index.cast::<i64>()),
    );
    let fine = AtomicBool::new(true);
    cpu.share(outer, outer * (count + n) * inner, |from, to| {
        for o in from..to {
            // SAFETY: block o of each, checked rows.
            unsafe {
                dx.get().add(o * n * inner).write_bytes(0, n * inner);
                for at in 0..count * inner {
                    let i = at % inner;
                    let at = o * count * inner + at;
                    match position(*index.get().add(at), n) {
                        Some(j) => *dx.get().add((o * n + j) * inner + i) += *dy.get().add(at),
                        None => fine.store(false, Ordering::Relaxed),
                    }
                }
            }
        }
    });
    fine.into_inner()
}
