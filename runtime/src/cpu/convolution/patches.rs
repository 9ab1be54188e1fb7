//! Patches: the cells under each window as a column, for products; and the sum of patches back into images.
//!
//! A tile is some rows of windows, or a piece of one row, so that the patches of an image of any size take bounded
//! memory.

use crate::Float;
use crate::device::Convolution;
use crate::isa::{Isa, Kernel, dispatch};

/// Elements of a tile of patches. It should stay in the L2 cache while it is multiplied.
const TILE: usize = 65_536;

/// Windows of rows `i.0..i.1` and columns `j.0..j.1`; all columns, or a single row.
#[derive(Clone, Copy)]
pub(super) struct Tile {
    i: (usize, usize),
    j: (usize, usize),
}

impl Tile {
    /// Rows and columns of a tile of patches with `cells` cells.
    fn size(g: &Convolution, cells: usize) -> (usize, usize) {
        let width = (TILE / cells.max(1)).max(64);
        if g.y[1] > width {
            return (1, width);
        }
        ((width / g.y[1].max(1)).clamp(1, g.y[0].max(1)), g.y[1])
    }

    /// The number of tiles.
    pub fn count(g: &Convolution, cells: usize) -> usize {
        let (rows, columns) = Self::size(g, cells);
        g.y[0].div_ceil(rows) * g.y[1].div_ceil(columns.max(1))
    }

    /// Tile number `at`. The first is the largest.
    pub fn new(g: &Convolution, cells: usize, at: usize) -> Tile {
        let (rows, columns) = Self::size(g, cells);
        let across = g.y[1].div_ceil(columns.max(1)).max(1);
        let (i, j) = (at / across * rows, at % across * columns);
        Tile {
            i: (i, g.y[0].min(i + rows)),
            j: (j, g.y[1].min(j + columns)),
        }
    }

    /// The first window's position in a plane of y; the others follow it.
    pub fn first(&self, g: &Convolution) -> usize {
        self.i.0 * g.y[1] + self.j.0
    }

    /// The number of windows.
    pub fn width(&self) -> usize {
        (self.i.1 - self.i.0) * (self.j.1 - self.j.0)
    }
}

/// `n / by`, rounded up. Most strides are 1, and a division costs more than a row of a small image.
#[cfg_attr(not(debug_assertions), inline(always))]
pub(super) fn ceil(n: usize, by: usize) -> usize {
    if by == 1 { n } else { n.div_ceil(by) }
}

/// The windows of `from..to` whose cell `k` lies inside, along dimension `d`.
#[cfg_attr(not(debug_assertions), inline(always))]
pub(super) fn inside(
    g: &Convolution,
    d: usize,
    k: usize,
    (from, to): (usize, usize),
) -> (usize, usize) {
    let (stride, shift) = (g.stride[d], k * g.dilation[d]);
    // Window i lies on i * stride + shift - padding.
    let low = ceil(g.padding[d].saturating_sub(shift), stride);
    let high = (g.x[d] + g.padding[d]).saturating_sub(shift);
    let high = ceil(high, stride);
    let low = low.clamp(from, to);
    (low, high.clamp(low, to))
}

/// `col[(c, kh, kw), window] = x[c, cell]`, 0 outside, for channels `channels.0..channels.1`.
///
/// # Safety
/// `x` has all channels of a group, `col` a row of the tile's width for each cell.
pub(super) unsafe fn take_patches<F: Float>(
    g: &Convolution,
    x: *const F,
    channels: (usize, usize),
    tile: Tile,
    col: *mut F,
) {
    dispatch(Take {
        g,
        x,
        channels,
        tile,
        col,
    });
}

struct Take<'a, F> {
    g: &'a Convolution,
    x: *const F,
    channels: (usize, usize),
    tile: Tile,
    col: *mut F,
}

impl<F: Float> Kernel for Take<'_, F> {
    type Output = ();
    #[cfg_attr(not(debug_assertions), inline(always))]
    unsafe fn run<S: Isa>(self) {
        let Take {
            g,
            x,
            channels,
            tile,
            col,
        } = self;
        let width = tile.j.1 - tile.j.0;
        let mut to = col;
        for c in channels.0..channels.1 {
            let plane = x.wrapping_add(c * g.x_plane());
            for kh in 0..g.kernel[0] {
                let rows = inside(g, 0, kh, tile.i);
                for kw in 0..g.kernel[1] {
                    let columns = inside(g, 1, kw, tile.j);
                    for i in tile.i.0..tile.i.1 {
                        // SAFETY: the row of a cell; `inside` bounds what is read.
                        unsafe {
                            let row = std::slice::from_raw_parts_mut(to, width);
                            to = to.add(width);
                            if i < rows.0 || i >= rows.1 || columns.0 == columns.1 {
                                row.fill(F::ZERO);
                                continue;
                            }
                            let h = i * g.stride[0] + kh * g.dilation[0] - g.padding[0];
                            let w = columns.0 * g.stride[1] + kw * g.dilation[1] - g.padding[1];
                            let from = plane.add(h * g.x[1] + w);
                            let (low, high) = (columns.0 - tile.j.0, columns.1 - tile.j.0);
                            row[..low].fill(F::ZERO);
                            row[high..].fill(F::ZERO);
                            let row = &mut row[low..high];
                            if g.stride[1] == 1 {
                                copy(row, from);
                            } else {
                                for (j, y) in row.iter_mut().enumerate() {
                                    *y = *from.add(j * g.stride[1]);
                                }
                            }
                        }
                    }
                }
            }
        }
    }
}

/// A short copy in pieces of fixed size, because a call of `memcpy` costs more than the copy.
///
/// # Safety
/// `from` has as many elements as `to`.
#[cfg_attr(not(debug_assertions), inline(always))]
unsafe fn copy<F: Float>(to: &mut [F], from: *const F) {
    const PIECE: usize = 8;
    let n = to.len();
    // SAFETY: the caller's; the last piece overlaps the one before.
    unsafe {
        if n < PIECE {
            for (j, y) in to.iter_mut().enumerate() {
                *y = *from.add(j);
            }
            return;
        }
        let y = to.as_mut_ptr();
        let piece = |at: usize| {
            let values = from.add(at).cast::<[F; PIECE]>().read_unaligned();
            y.add(at).cast::<[F; PIECE]>().write_unaligned(values);
        };
        for at in (0..n - PIECE).step_by(PIECE) {
            piece(at);
        }
        piece(n - PIECE);
    }
}

/// `x[c, cell] += col[(c, kh, kw), window]` where the cell is inside, for `channels` channels.
///
/// # Safety
/// `x` has `channels` channels, `col` a row of the tile's width for each cell.
pub(super) unsafe fn add_patches<F: Float>(
    g: &Convolution,
    x: *mut F,
    channels: usize,
    tile: Tile,
    col: *const F,
) {
    dispatch(Add {
        g,
        x,
        channels,
        tile,
        col,
    });
}

struct Add<'a, F> {
    g: &'a Convolution,
    x: *mut F,
    channels: usize,
    tile: Tile,
    col: *const F,
}

impl<F: Float> Kernel for Add<'_, F> {
    type Output = ();
    #[cfg_attr(not(debug_assertions), inline(always))]
    unsafe fn run<S: Isa>(self) {
        let Add {
            g,
            x,
            channels,
            tile,
            col,
        } = self;
        let width = tile.j.1 - tile.j.0;
        for c in 0..channels {
            let plane = x.wrapping_add(c * g.x_plane());
            for kh in 0..g.kernel[0] {
                let rows = inside(g, 0, kh, tile.i);
                for kw in 0..g.kernel[1] {
                    let (low, high) = inside(g, 1, kw, tile.j);
                    if low == high {
                        continue;
                    }
                    let cell = (c * g.kernel[0] + kh) * g.kernel[1] + kw;
                    for i in rows.0..rows.1 {
                        let h = i * g.stride[0] + kh * g.dilation[0] - g.padding[0];
                        let w = low * g.stride[1] + kw * g.dilation[1] - g.padding[1];
                        // SAFETY: the row of a cell; `inside` bounds what is written.
                        unsafe {
                            let from = col.add(cell * tile.width() + (i - tile.i.0) * width);
                            let row =
                                std::slice::from_raw_parts(from.add(low - tile.j.0), high - low);
                            let to = plane.add(h * g.x[1] + w);
                            if g.stride[1] == 1 {
                                let to = std::slice::from_raw_parts_mut(to, row.len());
                                for (y, v) in to.iter_mut().zip(row) {
                                    *y += *v;
                                }
                            } else {
                                for (j, v) in row.iter().enumerate() {
                                    *to.add(j * g.stride[1]) += *v;
                                }
                            }
                        }
                    }
                }
            }
        }
    }
}
