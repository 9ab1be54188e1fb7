//! Convolutions by their formulas, a row at a time: for single channels, and if there is no memory for patches.

use super::patches::inside;
use crate::cpu::Cpu;
use crate::cpu::rows::{Shared, read};
use crate::device::Convolution;
use crate::isa::{Isa, Kernel, dispatch};
use crate::lanes::LANES;
use crate::{Float, Mask, Pack};

/// A row of y.
struct Row<'a, F> {
    g: &'a Convolution,
    /// The row's number.
    i: usize,
    /// The group's channels.
    x: *const F,
    /// The channel's kernel.
    w: *const F,
    y: *mut F,
}

impl<F: Float> Kernel for Row<'_, F> {
    type Output = ();
    #[cfg_attr(not(debug_assertions), inline(always))]
    unsafe fn run<S: Isa>(self) {
        let g = self.g;
        // SAFETY: the row; `inside` bounds what is read.
        unsafe {
            let y = std::slice::from_raw_parts_mut(self.y, g.y[1]);
            y.fill(F::ZERO);
            for kh in 0..g.kernel[0] {
                let (from, to) = inside(g, 0, kh, (self.i, self.i + 1));
                if from == to {
                    continue;
                }
                let h = self.i * g.stride[0] + kh * g.dilation[0] - g.padding[0];
                for kw in 0..g.kernel[1] {
                    let (low, high) = inside(g, 1, kw, (0, g.y[1]));
                    if low == high {
                        continue;
                    }
                    let at = low * g.stride[1] + kw * g.dilation[1] - g.padding[1];
                    let y = &mut y[low..high];
                    for c in 0..g.c {
                        let w = *self.w.add((c * g.kernel[0] + kh) * g.kernel[1] + kw);
                        let x = self.x.add((c * g.x[0] + h) * g.x[1] + at);
                        if g.stride[1] == 1 {
                            let x = std::slice::from_raw_parts(x, y.len());
                            for (y, x) in y.iter_mut().zip(x) {
                                *y += w * *x;
                            }
                        } else {
                            for (j, y) in y.iter_mut().enumerate() {
                                *y += w * *x.add(j * g.stride[1]);
                            }
                        }
                    }
                }
            }
        }
    }
}

/// Computes y from x and w.
///
/// # Safety
/// The kernels' contract.
pub(super) unsafe fn forward<F: Float>(
    cpu: &Cpu<F>,
    g: Convolution,
    x: *mut F,
    w: *mut F,
    y: *mut F,
) {
    let (x, w, y) = (Shared(x), Shared(w), Shared(y));
    // A unit is a row of a channel.
    cpu.share(g.n * g.groups * g.o * g.y[0], g.work(), |from, to| {
        for unit in from..to {
            let (channel, i) = (unit / g.y[0], unit % g.y[0]);
            let (at, o) = (channel / g.o, channel % g.o);
            let (s, group) = (at / g.groups, at % g.groups);
            dispatch(Row {
                g: &g,
                i,
                x: x.get().wrapping_add(g.x_at(s, group)),
                w: w.get().wrapping_add(g.w_at(group) + o * g.cells()),
                y: y.get().wrapping_add(unit * g.y[1]),
            });
        }
    });
}

/// One channel of x.
struct Channel<'a, F> {
    g: &'a Convolution,
    /// The group's channels.
    y: *const F,
    /// The channel's kernel for the first output.
    w: *const F,
    x: *mut F,
}

impl<F: Float> Kernel for Channel<'_, F> {
    type Output = ();
    #[cfg_attr(not(debug_assertions), inline(always))]
    unsafe fn run<S: Isa>(self) {
        let g = self.g;
        // SAFETY: the channel's plane; `inside` bounds what is written of it.
        unsafe {
            self.x.write_bytes(0, g.x_plane());
            for o in 0..g.o {
                for kh in 0..g.kernel[0] {
                    let rows = inside(g, 0, kh, (0, g.y[0]));
                    for kw in 0..g.kernel[1] {
                        let (low, high) = inside(g, 1, kw, (0, g.y[1]));
                        if low == high {
                            continue;
                        }
                        let w = *self.w.add(o * g.cells() + kh * g.kernel[1] + kw);
                        for i in rows.0..rows.1 {
                            let h = i * g.stride[0] + kh * g.dilation[0] - g.padding[0];
                            let at = low * g.stride[1] + kw * g.dilation[1] - g.padding[1];
                            let from = self.y.add((o * g.y[0] + i) * g.y[1] + low);
                            let row = std::slice::from_raw_parts(from, high - low);
                            let to = self.x.add(h * g.x[1] + at);
                            if g.stride[1] == 1 {
                                let to = std::slice::from_raw_parts_mut(to, row.len());
                                for (x, y) in to.iter_mut().zip(row) {
                                    *x += w * *y;
                                }
                            } else {
                                for (j, y) in row.iter().enumerate() {
                                    *to.add(j * g.stride[1]) += w * *y;
                                }
                            }
                        }
                    }
                }
            }
        }
    }
}

/// Computes x from y and w.
///
/// # Safety
/// The kernels' contract.
pub(super) unsafe fn input<F: Float>(
    cpu: &Cpu<F>,
    g: Convolution,
    y: *mut F,
    w: *mut F,
    x: *mut F,
) {
    let (x, w, y) = (Shared(x), Shared(w), Shared(y));
    let kernel = g.kernel[0] * g.kernel[1];
    let units = g.n * g.groups * g.c;
    cpu.share(units, g.work() + units * g.x_plane(), |from, to| {
        for unit in from..to {
            let (at, c) = (unit / g.c, unit % g.c);
            let (s, group) = (at / g.groups, at % g.groups);
            dispatch(Channel {
                g: &g,
                y: y.get().wrapping_add(g.y_at(s, group)),
                w: w.get().wrapping_add(g.w_at(group) + c * kernel),
                x: x.get().wrapping_add(g.x_at(s, group) + c * g.x_plane()),
            });
        }
    });
}

/// The kernel of one pair of channels.
struct Pair<'a, F> {
    g: &'a Convolution,
    /// The channel of the first sample.
    x: *const F,
    /// The channel of the first sample.
    y: *const F,
    w: *mut F,
}

impl<F: Float> Pair<'_, F> {
    /// Adds the products of a row of y with cells of x.
    ///
    /// # Safety
    /// Both have `count` elements, those of x a stride apart.
    #[cfg_attr(not(debug_assertions), inline(always))]
    unsafe fn dot<S: Isa>(&self, x: *const F, y: *const F, count: usize, sum: &mut Pack<F>) {
        let stride = self.g.stride[1];
        for at in (0..count).step_by(LANES) {
            let n = LANES.min(count - at);
            // SAFETY: the caller's.
            unsafe {
                let y = read::<F, S>(y.add(at), n);
                let x = if stride == 1 {
                    read::<F, S>(x.add(at), n)
                } else {
                    let mut lanes = [F::ZERO; LANES];
                    for (lane, v) in lanes.iter_mut().enumerate().take(n) {
                        *v = *x.add((at + lane) * stride);
                    }
                    Pack(lanes)
                };
                let next = *sum + x * y;
                *sum = match n {
                    LANES => next,
                    n => Mask::first(n).select(next, *sum),
                };
            }
        }
    }
}

impl<F: Float> Kernel for Pair<'_, F> {
    type Output = ();
    #[cfg_attr(not(debug_assertions), inline(always))]
    unsafe fn run<S: Isa>(self) {
        let g = self.g;
        let (x_step, y_step) = (g.groups * g.c * g.x_plane(), g.groups * g.o * g.y_plane());
        for kh in 0..g.kernel[0] {
            let rows = inside(g, 0, kh, (0, g.y[0]));
            for kw in 0..g.kernel[1] {
                let (low, high) = inside(g, 1, kw, (0, g.y[1]));
                let mut sum = Pack::all(F::ZERO);
                if low < high {
                    let at = low * g.stride[1] + kw * g.dilation[1] - g.padding[1];
                    for s in 0..g.n {
                        for i in rows.0..rows.1 {
                            let h = i * g.stride[0] + kh * g.dilation[0] - g.padding[0];
                            // SAFETY: rows of the channels; `inside` bounds what is read.
                            unsafe {
                                let x = self.x.add(s * x_step + h * g.x[1] + at);
                                let y = self.y.add(s * y_step + i * g.y[1] + low);
                                self.dot::<S>(x, y, high - low, &mut sum);
                            }
                        }
                    }
                }
                // SAFETY: a cell of the kernel.
                unsafe { *self.w.add(kh * g.kernel[1] + kw) = sum.fold(|a, b| a + b) };
            }
        }
    }
}

/// Computes w from x and y.
///
/// # Safety
/// The kernels' contract.
pub(super) unsafe fn weight<F: Float>(
    cpu: &Cpu<F>,
    g: Convolution,
    x: *mut F,
    y: *mut F,
    w: *mut F,
) {
    let (x, w, y) = (Shared(x), Shared(w), Shared(y));
    let kernel = g.kernel[0] * g.kernel[1];
    cpu.share(g.groups * g.o * g.c, g.work(), |from, to| {
        for unit in from..to {
            let (channel, c) = (unit / g.c, unit % g.c);
            let (group, o) = (channel / g.o, channel % g.o);
            dispatch(Pair {
                g: &g,
                x: x.get().wrapping_add(g.x_at(0, group) + c * g.x_plane()),
                y: y.get().wrapping_add(g.y_at(0, group) + o * g.y_plane()),
                w: w.get().wrapping_add(unit * kernel),
            });
        }
    });
}
