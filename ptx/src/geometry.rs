//! The geometry of convolutions, and their representation and that of their adjoints as products.

use crate::call::Addr;
use crate::launch::{Error, total};
use crate::{Convolution, Role};

/// The limit of steps and sides. Larger numbers mark positions outside.
const SIDE: usize = 1 << 28;

/// The parts of a convolution's geometry that the kernels use.
pub(crate) trait Geometry {
    /// Checks that no position overflows.
    fn check(&self) -> Result<(), Error>;
    /// Elements of an array. [`check`](Self::check) has bounded their number where it matters.
    fn len(&self, side: Role) -> usize;
    /// Rows of a group's product.
    fn rows(&self, side: Role) -> usize;
    /// The number of products of the adjoint in x.
    fn residues_in_x(&self) -> usize;
    /// The products of a side. There is one, except for the adjoint in x of windows with a stride, whose pixels are
    /// under different cells.
    fn residues(&self, side: Role) -> Vec<Residues>;
}

impl Geometry for Convolution {
    fn check(&self) -> Result<(), Error> {
        for side in [Role::X, Role::W, Role::Y] {
            total(&self.shape(side))?;
        }
        for d in 0..2 {
            if self.stride[d] == 0 || self.dilation[d] == 0 {
                return Err(Error::Malformed);
            }
            let windows = self.y[d].saturating_mul(self.stride[d]);
            let cells = self.kernel[d].saturating_mul(self.dilation[d]);
            let sides = [self.x[d], self.padding[d], windows, cells];
            if sides.iter().any(|s| *s >= SIDE) {
                return Err(Error::TooLarge);
            }
        }
        Ok(())
    }

    fn len(&self, side: Role) -> usize {
        self.shape(side)
            .into_iter()
            .fold(1usize, usize::saturating_mul)
    }

    fn rows(&self, side: Role) -> usize {
        match side {
            Role::X => self.c,
            _ => self.o,
        }
    }

    fn residues_in_x(&self) -> usize {
        let of = |d: usize| self.stride[d].min(self.x[d]);
        of(0) * of(1)
    }

    fn residues(&self, side: Role) -> Vec<Residues> {
        let kernel = self.kernel[0] * self.kernel[1];
        let all = |k, n| {
            vec![Residues {
                sizes: (k, n),
                of: None,
            }]
        };
        match side {
            Role::Y => all(self.c * kernel, self.n * self.y[0] * self.y[1]),
            Role::W => all(self.n * self.y[0] * self.y[1], self.c * kernel),
            Role::X => {
                let firsts = |d: usize| 0..self.stride[d].min(self.x[d]);
                let pair = |h, w| {
                    let (h, w) = (residue(self, 0, h), residue(self, 1, w));
                    Residues {
                        sizes: (self.o * h.cells * w.cells, self.n * h.pixels * w.pixels),
                        of: Some([h, w]),
                    }
                };
                firsts(0)
                    .flat_map(|h| firsts(1).map(move |w| pair(h, w)))
                    .collect()
            }
        }
    }
}

/// The sums along one dimension for the pixels from `first` on, a stride apart.
fn residue(g: &Convolution, d: usize, first: usize) -> Residue {
    let (s, dilation) = (g.stride[d], g.dilation[d]);
    let place = first + g.padding[d];
    let step = s / common(s, dilation);
    let under = |k: &usize| (place + s * dilation - k * dilation).is_multiple_of(s);
    let found = (0..step.min(g.kernel[d])).find(under);
    let cell = found.unwrap_or(0);
    Residue {
        first,
        pixels: g.x[d].saturating_sub(first).div_ceil(s),
        cell,
        cells: found.map_or(0, |k| (g.kernel[d] - k).div_ceil(step)),
        step,
        origin: (place as i64 - (cell * dilation) as i64) / s as i64,
        back: (dilation / (s / step)) as i64,
    }
}

fn common(a: usize, b: usize) -> usize {
    if b == 0 { a } else { common(b, a % b) }
}

/// Along one dimension, pixels a stride apart: they are under every `step`-th cell from `cell` on.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Residue {
    first: usize,
    pixels: usize,
    cell: usize,
    cells: usize,
    step: usize,
    /// The window whose first cell is on the first pixel. Each next pixel has the next window.
    origin: i64,
    /// The number of windows that each next cell is further back.
    back: i64,
}

/// One product.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Residues {
    sizes: (usize, usize),
    of: Option<[Residue; 2]>,
}

impl Residues {
    pub(crate) fn k(&self) -> usize {
        self.sizes.0
    }
    pub(crate) fn n(&self) -> usize {
        self.sizes.1
    }
}

/// The meaning of a position (a, b, c): see `geometry.ptx`.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Digits {
    /// The number of values of b and c.
    pub radix: [usize; 2],
    /// Elements of the images along a.
    pub image: usize,
    /// Rows along b, columns along c.
    pub step: [i64; 2],
    /// Elements of the other array along a, b and c.
    pub other: [usize; 3],
}

/// A product `C[g] (m, n) = A[g] (m, k) B[g] (k, n)` with B under windows of images.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Factors {
    pub a: Addr,
    pub image: Addr,
    pub out: Addr,
    pub groups: usize,
    pub m: usize,
    pub n: usize,
    pub k: usize,
    /// The size of an image.
    pub size: [usize; 2],
    /// Distance between groups of A, images, C.
    pub group: [usize; 3],
    /// Distance between rows of A, C.
    pub row: [usize; 2],
    /// The place of the first position's first cell.
    pub origin: [i64; 2],
    pub by_k: Digits,
    pub by_n: Digits,
}

/// The products of a side, with their result at `out`.
pub(crate) fn factors(g: Convolution, side: Role, arrays: [Addr; 3], out: Addr) -> Vec<Factors> {
    let one = |r: Residues| factor(g, side, arrays, out, r);
    let mut all: Vec<_> = g.residues(side).into_iter().map(one).collect();
    all.retain(|f| f.n > 0);
    all
}

fn factor(g: Convolution, side: Role, [x, w, y]: [Addr; 3], out: Addr, r: Residues) -> Factors {
    let both = |v: [usize; 2]| v.map(|v| v as i64);
    let cells = g.kernel[0] * g.kernel[1];
    let (xs, ys) = (g.x[0] * g.x[1], g.y[0] * g.y[1]);
    // Distance between samples, and between groups.
    let (x_sample, y_sample) = (g.groups * g.c * xs, g.groups * g.o * ys);
    let (x_group, w_group, y_group) = (g.c * xs, g.o * g.c * cells, g.o * ys);
    let padding = both(g.padding).map(|p| -p);
    // Cells of x's channels under windows: by the position of one and of the other.
    let channels = Digits {
        radix: g.kernel,
        image: xs,
        step: both(g.dilation),
        other: [cells, g.kernel[1], 1],
    };
    let windows = Digits {
        radix: g.y,
        image: x_sample,
        step: both(g.stride),
        other: [y_sample, g.y[1], 1],
    };
    let f = Factors {
        a: w,
        image: x,
        out,
        groups: g.groups,
        m: g.rows(side),
        n: r.n(),
        k: r.k(),
        size: g.x,
        group: [w_group, x_group, y_group],
        row: [g.c * cells, ys],
        origin: padding,
        by_k: channels,
        by_n: windows,
    };
    match (side, r.of) {
        (Role::W, _) => Factors {
            a: y,
            group: [y_group, x_group, w_group],
            row: [ys, g.c * cells],
            by_k: windows,
            by_n: channels,
            ..f
        },
        (Role::X, Some([h, v])) => Factors {
            a: w + 4 * (h.cell * g.kernel[1] + v.cell) as u64,
            image: y,
            out: out + 4 * (h.first * g.x[1] + v.first) as u64,
            size: g.y,
            group: [w_group, y_group, x_group],
            row: [cells, xs],
            origin: [h.origin, v.origin],
            by_k: Digits {
                radix: [h.cells, v.cells],
                image: ys,
                step: [-h.back, -v.back],
                other: [g.c * cells, h.step * g.kernel[1], v.step],
            },
            by_n: Digits {
                radix: [h.pixels, v.pixels],
                image: y_sample,
                step: [1, 1],
                other: [x_sample, g.stride[0] * g.x[1], g.stride[1]],
            },
            ..f
        },
        _ => f,
    }
}
