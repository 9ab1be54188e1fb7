//! Chooses the kernel of a product: its tiles, and the number of segments of k.

use crate::Product;
use crate::lines::{Lines, across};

/// The type of the operands. Sums are always in f32.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash)]
pub enum Precision {
    /// f32, on CUDA cores.
    #[default]
    F32,
    /// Operands rounded to 10 bits after the point, on tensor cores (compute capability 8.0).
    Tf32,
    /// Operands rounded to bf16, on tensor cores (compute capability 8.0).
    Bf16,
}

/// A block's part of C: `bm` x `bn`, with steps of `bk` along k, and `tm` x `tn` results for each thread.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
#[allow(missing_docs)]
pub struct Tile {
    pub bm: u16,
    pub bn: u16,
    pub bk: u16,
    pub tm: u16,
    pub tn: u16,
    /// The number of blocks that must fit on a multiprocessor, which limits the registers.
    pub residents: u16,
}

/// A block's part of C on tensor cores: `bm` x `bn`, with steps of `bk` along k, and `wm` x `wn` results for each warp.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
#[allow(missing_docs)]
pub struct TensorTile {
    pub bm: u16,
    pub bn: u16,
    pub bk: u16,
    pub wm: u16,
    pub wn: u16,
    /// The number of blocks that must fit on a multiprocessor, which limits the registers.
    pub residents: u16,
}

/// The kind of kernel for a product.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Way {
    /// In tiles.
    Tiles(Tile),
    /// In tiles on tensor cores, in bf16 or tf32.
    Tensor(TensorTile, bool),
    /// Few rows or, if `turned`, few columns.
    Few {
        /// Few columns.
        turned: bool,
        /// Threads.
        lines: Lines,
    },
}

const fn tile(side: u16, bk: u16, results: u16, residents: u16) -> Way {
    oblong((side, side), bk, (results, results), residents)
}

const fn oblong((bm, bn): (u16, u16), bk: u16, (tm, tn): (u16, u16), residents: u16) -> Way {
    Way::Tiles(Tile {
        bm,
        bn,
        bk,
        tm,
        tn,
        residents,
    })
}

const fn tensor(side: u16, wm: u16, residents: u16, bf16: bool) -> Way {
    let tile = TensorTile {
        bm: side,
        bn: side,
        bk: 16,
        wm,
        wn: 32,
        residents,
    };
    Way::Tensor(tile, bf16)
}

/// A tile, and the arithmetic rates of a multiprocessor with one block of it, and with many.
pub type Rated = (Way, f64, f64);

const F32: [Rated; 3] = [
    (tile(128, 8, 8, 2), 0.8, 1.0),
    (tile(64, 16, 4, 3), 0.5, 0.7),
    (tile(32, 16, 4, 8), 0.25, 0.5),
];
const TF32: [Rated; 2] = [
    (tensor(128, 64, 2, false), 3.0, 4.0),
    (tensor(64, 32, 4, false), 1.2, 2.5),
];
const BF16: [Rated; 2] = [
    (tensor(128, 64, 2, true), 4.0, 5.0),
    (tensor(64, 32, 4, true), 1.5, 3.0),
];

/// The tiles of convolutions, which often have few channels and many pixels.
pub const CONVOLUTIONS: [Rated; 5] = [
    (tile(128, 8, 8, 2), 0.7, 0.9),
    (tile(64, 16, 4, 3), 0.45, 0.65),
    (oblong((32, 128), 8, (4, 8), 4), 0.45, 0.65),
    (tile(32, 16, 4, 8), 0.25, 0.45),
    (oblong((16, 128), 16, (4, 4), 4), 0.3, 0.5),
];

/// The tiles of a precision.
pub const fn tiles(precision: Precision) -> &'static [Rated] {
    match precision {
        Precision::F32 => &F32,
        Precision::Tf32 => &TF32,
        Precision::Bf16 => &BF16,
    }
}

impl Way {
    /// Rows and columns of a block's tile, and its step along k.
    pub(crate) fn sides(self) -> (usize, usize, usize) {
        let (bm, bn, bk) = match self {
            Way::Tiles(t) => (t.bm, t.bn, t.bk),
            Way::Tensor(t, _) => (t.bm, t.bn, t.bk),
            Way::Few { lines, .. } => (1, lines.cols, lines.lanes),
        };
        (bm.into(), bn.into(), bk.into())
    }
}

/// The number of rows or columns up to which a product uses the kernel for few; and the same if the other dimension is
/// at most `NARROW`.
const FEW: usize = 8;
const FEW_OF_NARROW: usize = 16;
const NARROW: usize = 2048;
/// The number of blocks that keep a large GPU busy.
const BUSY: usize = 264;
/// The number of multiprocessors of a large GPU. It does not depend on the device, so that sums have the same order on
/// every one.
const PROCESSORS: f64 = 132.0;
/// The costs of a second launch, and of reading or writing an element, in multiplications of one multiprocessor.
const LAUNCH: f64 = 400_000.0;
const ELEMENT: f64 = 80.0;

/// The kind of kernel, and the number of segments of k.
pub fn choose(size: Product, precision: Precision) -> (Way, usize) {
    let turned = size.n < size.m;
    let columns = size.batch * size.m.max(size.n);
    let few = if columns <= NARROW {
        FEW_OF_NARROW
    } else {
        FEW
    };
    if size.m.min(size.n) > few {
        return cheapest(size, tiles(precision));
    }
    // Whether the large operand is contiguous along k.
    let along = if turned { !size.ta } else { size.tb };
    let lines = if along && size.k > 1 {
        let most = if columns < BUSY && size.k > 1024 {
            256
        } else {
            32
        };
        let lanes = size.k.next_power_of_two().min(most) as u16;
        Lines {
            lanes,
            cols: 256 / lanes,
            along: true,
        }
    } else {
        across(size.k, columns)
    };
    let blocks = columns.div_ceil(usize::from(lines.cols)).max(1);
    let most = size.k.div_ceil(usize::from(lines.lanes) * 16).max(1);
    let parts = (BUSY / blocks).clamp(1, most);
    (Way::Few { turned, lines }, parts)
}

/// The cheapest choice, by a rough count of multiplications per multiprocessor: whole rounds of blocks, and for a split
/// the memory accesses of the second stage.
pub(crate) fn cheapest(size: Product, choices: &[Rated]) -> (Way, usize) {
    let mut best = (f64::INFINITY, choices[0].0, 1);
    for &(way, alone, full) in choices {
        let (bm, bn, _) = way.sides();
        let tiles = size.m.div_ceil(bm) * size.n.div_ceil(bn) * size.batch;
        for parts in [1usize, 2, 4, 8, 16, 32] {
            if parts > 1 && size.k / parts < 64 {
                break;
            }
            let rounds = ((tiles * parts) as f64 / PROCESSORS).ceil();
            let depth = size.k.div_ceil(parts) as f64 + 32.0;
            // A single block leaves units idle that others would use.
            let pace = (1.0 / alone).max(rounds / full);
            let mut cost = pace * (bm * bn) as f64 * depth;
            if parts > 1 {
                let moved = (size.batch * size.m * size.n * (2 * parts + 1)) as f64;
                cost += LAUNCH + moved * ELEMENT / PROCESSORS;
            }
            if cost < best.0 {
                best = (cost, way, parts);
            }
        }
    }
    (best.1, best.2)
}

/// Divides k into segments of whole steps: their number and length.
pub(crate) fn cut(size: Product, way: Way, parts: usize) -> (usize, usize) {
    let step = way.sides().2;
    let length = size
        .k
        .div_ceil(parts.max(1))
        .next_multiple_of(step)
        .max(step);
    (size.k.div_ceil(length).max(1), length)
}
