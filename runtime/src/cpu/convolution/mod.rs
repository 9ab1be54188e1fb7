//! Convolutions: products with patches of the images as a matrix; single channels without patches or products.
//!
//! Work is divided into units by the sizes alone, and sums over samples have a fixed order, so results do not depend on
//! the number of threads.

mod direct;
mod patches;
mod window;

pub(crate) use window::arg_max;

use std::sync::atomic::{AtomicBool, Ordering};

use self::patches::{Tile, add_patches, take_patches};
use super::rows::Shared;
use super::{Cpu, gemm, scratch};
use crate::Float;
use crate::device::{Convolution, Role};

/// Multiplications below which one thread is enough.
const PARALLEL: usize = 131_072;
/// Enough units for any number of threads.
const UNITS: usize = 16;

/// Calls `f` for every unit, on several threads if that pays.
fn each<F: Float>(cpu: &Cpu<F>, g: &Convolution, units: usize, f: impl Fn(usize) + Sync) {
    if g.work() < PARALLEL {
        (0..units).for_each(f);
    } else {
        cpu.pool().run(units, f);
    }
}

/// The range of part `part` of `parts` of `0..n`.
fn cut(n: usize, part: usize, parts: usize) -> (usize, usize) {
    (n * part / parts, n * (part + 1) / parts)
}

/// y = w patches(x): a unit is a tile of one sample's group.
///
/// Returns `false` if out of memory.
///
/// # Safety
/// The kernels' contract; nothing is empty.
unsafe fn forward<F: Float>(cpu: &Cpu<F>, g: Convolution, x: *mut F, w: *mut F, y: *mut F) -> bool {
    let (rows, plane) = (g.cells(), g.y_plane());
    let tiles = Tile::count(&g, rows);
    let (x, w, y) = (Shared(x), Shared(w), Shared(y));
    let fine = AtomicBool::new(true);
    each(cpu, &g, g.n * g.groups * tiles, |unit| {
        let (block, tile) = (unit / tiles, Tile::new(&g, rows, unit % tiles));
        let (s, group) = (block / g.groups, block % g.groups);
        let (first, width) = (tile.first(&g), tile.width());
        // SAFETY: the group's operands, and a tile of its result that is this unit's alone.
        unsafe {
            let x = x.get().add(g.x_at(s, group)).cast_const();
            let w = w.get().add(g.w_at(group)).cast_const();
            let y = y.get().add(g.y_at(s, group) + first);
            let multiply = |b: *const F, stride: usize| {
                gemm::product(
                    g.o,
                    width,
                    rows,
                    (w, rows as isize, 1),
                    (b, stride as isize, 1),
                    (y, plane as isize),
                    false,
                );
            };
            if g.is_product() {
                return multiply(x.add(first), plane);
            }
            let done = scratch::with(rows * width * size_of::<F>(), |col| {
                let col = col.cast::<F>();
                take_patches(&g, x, (0, g.c), tile, col);
                multiply(col, width);
            });
            if done.is_none() {
                fine.store(false, Ordering::Relaxed);
            }
        }
    });
    fine.into_inner()
}

/// The number of channel blocks for each of `units` units, so that there are enough in total.
fn blocks(g: &Convolution, units: usize) -> usize {
    if g.work() < PARALLEL {
        return 1;
    }
    UNITS.div_ceil(units.max(1)).min(g.c)
}

/// x = sum of patches w' y: a unit is some channels of one sample's group.
///
/// Returns `false` if out of memory.
///
/// # Safety
/// The kernels' contract; nothing is empty.
unsafe fn input<F: Float>(cpu: &Cpu<F>, g: Convolution, y: *mut F, w: *mut F, x: *mut F) -> bool {
    let (cells, plane) = (g.cells(), g.y_plane());
    let kernel = g.kernel[0] * g.kernel[1];
    let blocks = blocks(&g, g.n * g.groups);
    let (x, w, y) = (Shared(x), Shared(w), Shared(y));
    let fine = AtomicBool::new(true);
    each(cpu, &g, g.n * g.groups * blocks, |unit| {
        let (at, block) = (unit / blocks, unit % blocks);
        let (s, group) = (at / g.groups, at % g.groups);
        let (from, to) = cut(g.c, block, blocks);
        let rows = (to - from) * kernel;
        // SAFETY: the group's operands, and channels of its result that are this unit's alone.
        unsafe {
            let x = x.get().add(g.x_at(s, group) + from * g.x_plane());
            let w = w.get().add(g.w_at(group) + from * kernel).cast_const();
            let y = y.get().add(g.y_at(s, group)).cast_const();
            let multiply = |first: usize, width: usize, c: *mut F, stride: usize| {
                gemm::product(
                    rows,
                    width,
                    g.o,
                    (w, 1, cells as isize),
                    (y.add(first), plane as isize, 1),
                    (c, stride as isize),
                    false,
                );
            };
            if g.is_product() {
                return multiply(0, plane, x, plane);
            }
            x.write_bytes(0, (to - from) * g.x_plane());
            let tiles = Tile::count(&g, rows);
            let bytes = rows * Tile::new(&g, rows, 0).width() * size_of::<F>();
            let done = scratch::with(bytes, |col| {
                let col = col.cast::<F>();
                for tile in (0..tiles).map(|t| Tile::new(&g, rows, t)) {
                    multiply(tile.first(&g), tile.width(), col, tile.width());
                    add_patches(&g, x, to - from, tile, col);
                }
            });
            if done.is_none() {
                fine.store(false, Ordering::Relaxed);
            }
        }
    });
    fine.into_inner()
}

/// w = sum over samples of y patches(x)'. A unit is some channels of a group in some samples. Each unit has its own
/// sum; all are added at the end.
///
/// Returns `false` if out of memory.
///
/// # Safety
/// The kernels' contract; nothing is empty.
unsafe fn weight<F: Float>(cpu: &Cpu<F>, g: Convolution, x: *mut F, y: *mut F, w: *mut F) -> bool {
    let (cells, plane) = (g.cells(), g.y_plane());
    let kernel = g.kernel[0] * g.kernel[1];
    let whole = g.groups * g.o * cells;
    let chunks = if g.work() < PARALLEL {
        1
    } else {
        UNITS.div_ceil(g.groups).min(g.n)
    };
    let blocks = blocks(&g, chunks * g.groups);
    let (x, w, y) = (Shared(x), Shared(w), Shared(y));
    let fine = AtomicBool::new(true);
    // The first chunk's sum lies in the result, the others' in `sums`.
    let part = |unit: usize, sums: *mut F| {
        let (at, block) = (unit / blocks, unit % blocks);
        let (chunk, group) = (at / g.groups, at % g.groups);
        let ((from, to), (first, last)) = (cut(g.c, block, blocks), cut(g.n, chunk, chunks));
        let rows = (to - from) * kernel;
        // SAFETY: the group's operands, and columns of the chunk's sum that are this unit's alone.
        unsafe {
            let sum = match chunk {
                0 => w.get(),
                _ => sums.add((chunk - 1) * whole),
            };
            let sum = sum.add(g.w_at(group) + from * kernel);
            let multiply = |y: *const F, width: usize, b: *const F, stride: usize, add: bool| {
                gemm::product(
                    g.o,
                    rows,
                    width,
                    (y, plane as isize, 1),
                    (b, 1, stride as isize),
                    (sum, cells as isize),
                    add,
                );
            };
            let tiles = Tile::count(&g, rows);
            let bytes = rows * Tile::new(&g, rows, 0).width() * size_of::<F>();
            let bytes = if g.is_product() { 0 } else { bytes };
            let done = scratch::with(bytes, |col| {
                let col = col.cast::<F>();
                for s in first..last {
                    let x = x.get().add(g.x_at(s, group)).cast_const();
                    let y = y.get().add(g.y_at(s, group)).cast_const();
                    if g.is_product() {
                        multiply(y, plane, x.add(from * plane), plane, s > first);
                        continue;
                    }
                    for tile in (0..tiles).map(|t| Tile::new(&g, rows, t)) {
                        take_patches(&g, x, (from, to), tile, col);
                        let (at, width) = (tile.first(&g), tile.width());
                        multiply(y.add(at), width, col, width, s > first || at > 0);
                    }
                }
            });
            if done.is_none() {
                fine.store(false, Ordering::Relaxed);
            }
        }
    };
    let units = chunks * g.groups * blocks;
    let done = scratch::with((chunks - 1) * whole * size_of::<F>(), |sums| {
        let sums = Shared(sums.cast::<F>());
        each(cpu, &g, units, |unit| part(unit, sums.get()));
        cpu.share(whole, (chunks - 1) * whole, |from, to| {
            for chunk in 0..chunks - 1 {
                for at in from..to {
                    // SAFETY: elements of the result that are this part's alone.
                    unsafe { *w.get().add(at) += *sums.get().add(chunk * whole + at) };
                }
            }
        });
    });
    done.is_some() && fine.into_inner()
}

/// Computes the array with role `role`. The arrays are the operands in order, then the result.
///
/// # Safety
/// The kernels' contract.
pub(crate) unsafe fn run<F: Float>(cpu: &Cpu<F>, role: Role, g: Convolution, arrays: [*mut F; 3]) {
    let [a, b, to] = arrays;
    let none = g.work() == 0;
    // SAFETY: the caller's.
    unsafe {
        match role {
            Role::Y => {
                let alone = g.o == 1 && !g.is_product();
                if none || alone || !forward(cpu, g, a, b, to) {
                    direct::forward(cpu, g, a, b, to);
                }
            }
            Role::X => {
                if none || g.c * g.o == 1 || !input(cpu, g, a, b, to) {
                    direct::input(cpu, g, a, b, to);
                }
            }
            Role::W => {
                if none || g.c * g.o == 1 || !weight(cpu, g, a, b, to) {
                    direct::weight(cpu, g, a, b, to);
                }
            }
        }
    }
}
