//! The largest element of each window, for pooling.

use super::patches::ceil;
use crate::Float;
use crate::cpu::Cpu;
use crate::cpu::rows::Shared;
use crate::device::Window2;
use crate::isa::{Isa, Kernel, dispatch};
use crate::lanes::LANES;

/// The cells `k` of window i that lie inside, along dimension `d`.
#[cfg_attr(not(debug_assertions), inline(always))]
fn cells(w: &Window2, d: usize, i: usize) -> (usize, usize) {
    let start = i * w.stride[d];
    let low = ceil(w.padding[d].saturating_sub(start), w.dilation[d]);
    let high = (w.x[d] + w.padding[d]).saturating_sub(start);
    let high = ceil(high, w.dilation[d]);
    let low = low.min(w.kernel[d]);
    (low, high.clamp(low, w.kernel[d]))
}

/// Whether `v` replaces the best so far: a larger number does, and any NaN.
#[cfg_attr(not(debug_assertions), inline(always))]
fn better<F: Float>(v: F, best: F) -> bool {
    #[allow(clippy::eq_op)]
    {
        (v > best) | (v != v)
    }
}

/// Row i of the windows of one image.
struct Row<'a, F> {
    w: &'a Window2,
    i: usize,
    plane: *const F,
    index: *mut i64,
}

impl<F: Float> Row<'_, F> {
    /// The position of cell (kh, kw) of window j.
    #[cfg_attr(not(debug_assertions), inline(always))]
    fn at(&self, j: usize, kh: usize, kw: usize) -> usize {
        let w = self.w;
        let h = self.i * w.stride[0] + kh * w.dilation[0] - w.padding[0];
        h * w.x[1] + j * w.stride[1] + kw * w.dilation[1] - w.padding[1]
    }

    /// One window.
    ///
    /// # Safety
    /// The kernels' contract.
    #[cfg_attr(not(debug_assertions), inline(always))]
    unsafe fn one(&self, j: usize, rows: (usize, usize)) {
        let columns = cells(self.w, 1, j);
        let mut best = (F::ZERO, -1);
        for kh in rows.0..rows.1 {
            for kw in columns.0..columns.1 {
                let at = self.at(j, kh, kw);
                // SAFETY: `cells` gives positions inside.
                let v = unsafe { *self.plane.add(at) };
                if best.1 < 0 || better(v, best.0) {
                    best = (v, at as i64);
                }
            }
        }
        // SAFETY: an element of the row.
        unsafe { *self.index.add(j) = best.1 };
    }

    /// Windows `j..j + count`, all of whose columns lie inside; `count` is at most `LANES`. Positions have 32 bits
    /// here, so that a lane of positions is as wide as a lane of `f32`.
    ///
    /// # Safety
    /// The kernels' contract; there are rows, and positions fit 32 bits.
    #[cfg_attr(not(debug_assertions), inline(always))]
    unsafe fn several(&self, j: usize, count: usize, rows: (usize, usize)) {
        // Lanes at and after `count` repeat the last window.
        let mut offset = [0; LANES];
        for (lane, to) in offset.iter_mut().enumerate() {
            *to = lane.min(count - 1) * self.w.stride[1];
        }
        let mut best = [F::ZERO; LANES];
        let mut index = [0i32; LANES];
        for kh in rows.0..rows.1 {
            for kw in 0..self.w.kernel[1] {
                let at = self.at(j, kh, kw);
                let mut v = [F::ZERO; LANES];
                for lane in 0..LANES {
                    // SAFETY: all columns of these windows lie inside, and `rows` are.
                    v[lane] = unsafe { *self.plane.add(at + offset[lane]) };
                }
                let first = kh == rows.0 && kw == 0;
                for lane in 0..LANES {
                    let take = first | better(v[lane], best[lane]);
                    best[lane] = if take { v[lane] } else { best[lane] };
                    let at = (at + offset[lane]) as i32;
                    index[lane] = if take { at } else { index[lane] };
                }
            }
        }
        for (lane, at) in index.iter().enumerate().take(count) {
            // SAFETY: elements of the row.
            unsafe { *self.index.add(j + lane) = i64::from(*at) };
        }
    }
}

impl<F: Float> Kernel for Row<'_, F> {
    type Output = ();
    #[cfg_attr(not(debug_assertions), inline(always))]
    unsafe fn run<S: Isa>(self) {
        let w = self.w;
        let rows = cells(w, 0, self.i);
        let small = w.x[0] * w.x[1] <= i32::MAX as usize;
        // Windows all of whose columns lie inside.
        let reach = (w.kernel[1] - 1) * w.dilation[1];
        let first = ceil(w.padding[1], w.stride[1]);
        let last = (w.x[1] + w.padding[1]).saturating_sub(reach);
        let last = ceil(last, w.stride[1]).min(w.y[1]);
        let mut j = 0;
        while j < w.y[1] {
            // SAFETY: the caller's.
            unsafe {
                if small && j >= first && j < last && rows.0 < rows.1 {
                    let count = LANES.min(last - j);
                    self.several(j, count, rows);
                    j += count;
                } else {
                    self.one(j, rows);
                    j += 1;
                }
            }
        }
    }
}

/// `index[g, i]` = position of the first largest element of window i in image g; the last NaN wins, and a window
/// without a cell inside gives -1.
///
/// # Safety
/// The kernels' contract.
pub(crate) unsafe fn arg_max<F: Float>(cpu: &Cpu<F>, w: Window2, x: *mut F, index: *mut i64) {
    let (x, index) = (Shared(x), Shared(index));
    let units = w.planes * w.y[0];
    let work = units * w.y[1] * w.kernel[0] * w.kernel[1];
    // A unit is a row of windows.
    cpu.share(units, work, |from, to| {
        for unit in from..to {
            let (plane, i) = (unit / w.y[0], unit % w.y[0]);
            dispatch(Row {
                w: &w,
                i,
                plane: x.get().wrapping_add(plane * w.x[0] * w.x[1]),
                index: index.get().wrapping_add(unit * w.y[1]),
            });
        }
    });
}
