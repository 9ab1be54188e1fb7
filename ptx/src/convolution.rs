//! Convolutions and their adjoints: as products whose second factor lies under windows of images, or, for few channels,
//! with a thread for each window.

use crate::call::Addr;
use crate::geometry::{Digits, Factors, Geometry, factors};
use crate::launch::{Error, Launch, Params, Plan, count, stride, total};
use crate::map::gather_parts;
use crate::moves::simple;
use crate::tile::{CONVOLUTIONS, Tile, Way, cheapest};
use crate::{Body, Convolution, Form, Module, Product, Role, Scalars};

/// The kind of kernel for a convolution.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Convolving {
    /// As a product in tiles.
    Tiles(Tile),
    /// A block for each result: for few results, or a long sum.
    Each,
    /// A thread for each window and this many channels (1, 2, 4 or 8); not for the adjoint in w.
    Few(u8),
}

/// The number of channels up to which tiles would be mostly empty, and the same for short sums.
const FEW: usize = 4;
const FEW_OF_SHORT: usize = 8;
const SHORT: usize = 64;
/// The length of sums that are worth a block, and the number of results up to which there would be too few threads.
const LONG: usize = 256;
const RESULTS: usize = 8192;
/// The maximum number of launches for an adjoint's residues.
const RESIDUES: usize = 16;
/// Threads of a block for each result, and blocks that keep a large GPU busy.
const THREADS: usize = 256;
const BUSY: usize = 1056;

/// The kind of kernel, and the number of segments of the sums.
pub fn choose_convolution(g: Convolution, side: Role) -> (Convolving, usize) {
    if side == Role::X && g.residues_in_x() > RESIDUES {
        return (few_of(g.c), 1);
    }
    let residues = g.residues(side);
    let most = residues.iter().max_by_key(|r| r.k() * r.n());
    let Some(size) = most.map(|r| Product {
        batch: g.groups,
        m: g.rows(side),
        n: r.n(),
        k: r.k(),
        ta: false,
        tb: false,
    }) else {
        return (Convolving::Few(1), 1);
    };
    let (m, k, results) = (size.m, size.k, size.batch * size.m * size.n);
    let each = || {
        let most = (k / (16 * THREADS)).max(1);
        (Convolving::Each, (BUSY / results.max(1)).clamp(1, most))
    };
    let few = m <= FEW || m <= FEW_OF_SHORT && k <= SHORT;
    match side {
        Role::W if m.min(size.n) <= FEW => each(),
        Role::W => tiled(size),
        _ if few && k >= LONG && results <= RESULTS => each(),
        _ if few => (few_of(m), 1),
        _ => tiled(size),
    }
}

fn few_of(m: usize) -> Convolving {
    Convolving::Few(m.next_power_of_two().min(8) as u8)
}

fn tiled(size: Product) -> (Convolving, usize) {
    match cheapest(size, &CONVOLUTIONS) {
        (Way::Tiles(tile), parts) => (Convolving::Tiles(tile), parts),
        _ => (Convolving::Each, 1),
    }
}

/// Segments of whole steps: their number for the longest sum.
fn segments(g: Convolution, side: Role, (way, parts): (Convolving, usize)) -> usize {
    let step = match way {
        Convolving::Tiles(tile) => tile.bk.into(),
        Convolving::Each => THREADS,
        Convolving::Few(_) => return 1,
    };
    let longest = g.residues(side).iter().map(|r| r.k()).max().unwrap_or(0);
    longest.div_ceil(length(longest, step, parts)).max(1)
}

fn length(k: usize, step: usize, parts: usize) -> usize {
    k.div_ceil(parts.max(1)).next_multiple_of(step).max(step)
}

/// Bytes that [`convolution`] needs at `work`, aligned to 4; often 0.
pub fn convolution_work(g: Convolution, side: Role) -> usize {
    match g.check() {
        Ok(()) => convolving_work(g, side, choose_convolution(g, side)),
        // The call itself is refused.
        Err(_) => 0,
    }
}

/// Bytes that [`convolution_as`] needs at `work`, aligned to 4.
pub fn convolving_work(g: Convolution, side: Role, way: (Convolving, usize)) -> usize {
    match segments(g, side, way) {
        1 => 0,
        parts => 4 * parts * g.len(side),
    }
}

/// The convolution y of x and w, or its adjoint in x of y and w, or in w of x and y; `[x, w, y]`, all
/// contiguous.
pub fn convolution(
    g: Convolution,
    side: Role,
    arrays: [Addr; 3],
    work: Addr,
) -> Result<Plan, Error> {
    g.check()?;
    convolution_as(choose_convolution(g, side), g, side, arrays, work)
}

/// [`convolution`] with a kernel that the caller chooses, with sums in about the given number of segments.
pub fn convolution_as(
    way: (Convolving, usize),
    g: Convolution,
    side: Role,
    arrays: [Addr; 3],
    work: Addr,
) -> Result<Plan, Error> {
    g.check()?;
    if g.len(side) == 0 {
        return Ok(Plan::new());
    }
    let out = match side {
        Role::X => arrays[0],
        Role::W => arrays[1],
        Role::Y => arrays[2],
    };
    let parts = segments(g, side, way);
    let whole = total(&[parts, g.len(side)])? / parts as u32;
    let target = if parts > 1 { work } else { out };
    let (form, threads, sides, step) = match way.0 {
        Convolving::Few(few) => return few_channels(few, g, side, arrays),
        Convolving::Each => (Form::Correlation, THREADS as u32, [1, 1], THREADS),
        Convolving::Tiles(tile) => {
            let along = side == Role::W;
            let form = Form::Convolution { tile, along };
            let sides = [tile.bm.into(), tile.bn.into()];
            (form, tile.threads(), sides, tile.bk.into())
        }
    };
    let launch = |f: Factors| {
        let cut = (parts, length(f.k, step, parts));
        product(form, threads, f, sides, cut, whole)
    };
    let factors = factors(g, side, arrays, target).into_iter();
    let mut plan = factors.map(launch).collect::<Result<Plan, _>>()?;
    if parts > 1 {
        let shape = [1, 1, g.len(side)];
        let (body, partial) = (&Body::IDENTITY, (work, count(parts)?));
        plan.push(gather_parts(
            body,
            shape,
            partial,
            &[],
            &[out],
            Scalars::NONE,
        )?);
    }
    Ok(plan)
}

fn product(
    form: Form,
    threads: u32,
    f: Factors,
    sides: [usize; 2],
    (parts, length): (usize, usize),
    whole: u32,
) -> Result<Launch, Error> {
    let (rows, columns) = (f.m.div_ceil(sides[0]), f.n.div_ceil(sides[1]));
    let mut p = Params::default();
    for address in [f.a, f.image, f.out] {
        p.u64(address);
    }
    for v in [f.m, f.n, f.k, length, rows, columns] {
        p.u32(count(v)?);
    }
    p.u32(whole);
    for v in f.size.into_iter().chain(f.group).chain(f.row) {
        p.u32(count(v)?);
    }
    for v in f.origin {
        p.i32(stride(v)?);
    }
    for digits in [f.by_k, f.by_n] {
        digits.params(&mut p)?;
    }
    Ok(Launch {
        module: Module::plain(form),
        grid: [total(&[f.groups, rows, columns])?, count(parts)?, 1],
        block: [threads, 1, 1],
        shared: 0,
        params: p,
    })
}

impl Digits {
    fn params(self, p: &mut Params) -> Result<(), Error> {
        for v in self.radix {
            p.u32(count(v.max(1))?);
        }
        p.u32(count(self.image)?);
        for v in self.step {
            p.i32(stride(v)?);
        }
        for v in self.other {
            p.u32(count(v)?);
        }
        Ok(())
    }
}

fn few_channels(few: u8, g: Convolution, side: Role, arrays: [Addr; 3]) -> Result<Plan, Error> {
    let [x, w, y] = arrays;
    let kernel = g.kernel[0] * g.kernel[1];
    let adjoint = side == Role::X;
    // (image, its size and channels; result, its size and channels; distance between rows, between channels)
    let (from, size, channels, to, plane, m, row, channel) = if adjoint {
        (y, g.y, g.o, x, g.x, g.c, kernel, g.c * kernel)
    } else {
        (x, g.x, g.c, y, g.y, g.o, g.c * kernel, kernel)
    };
    let blocks = m.div_ceil(few.into());
    let all = total(&[g.n, g.groups, blocks, plane[0] * plane[1]])?;
    let mut p = Params::default();
    for address in [from, w, to] {
        p.u64(address);
    }
    let divisors = [plane[0] * plane[1], plane[1], blocks, g.groups];
    for v in divisors.into_iter().chain(g.stride) {
        p.divisor(count(v)?);
    }
    let pairs = [g.padding, g.dilation, g.kernel, size];
    for v in pairs.into_iter().flatten() {
        p.u32(count(v)?);
    }
    for v in [channels, m, g.o * g.c * kernel, row, channel] {
        p.u32(count(v)?);
    }
    p.u32(all);
    simple(Form::FewChannels { few, adjoint }, all as usize, p)
}
