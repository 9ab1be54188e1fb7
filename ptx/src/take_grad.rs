//! Sums at an index for each row, as in the gradient of an embedding. A block owns rows of the result and adds in the
//! order of the indices. If there are few indices, each block reads all of them. If there are many, they are first
//! sorted into buckets of rows, and a block reads only its bucket.

use crate::call::Addr;
use crate::index::{Fault, sizes};
use crate::launch::{Error, Launch, Params, Plan, count, total};
use crate::{Axis, Form, Module};

/// The number of blocks that keep a large GPU busy, and the maximum number of rows that a block owns.
pub(crate) const BLOCKS: usize = 1056;
const ROWS: usize = 32;

/// The maximum number of buckets: a single block adds up their counts, with a thread for each.
pub(crate) const BUCKETS: usize = 1024;
/// The maximum number of tiles of indices that are counted separately, and the minimum number of indices of a tile.
const TILES: usize = 256;
const LEAST: usize = 256;
/// The number of indices read in sequence by blocks, from which on buckets are worth their launches.
const WORTH: usize = 8192;

/// The division of the result into blocks: rows of a block, number of ranges of that many rows, slices of 128 columns.
struct Cut {
    rows: usize,
    ranges: usize,
    slices: usize,
}

impl Cut {
    fn new(axis: Axis) -> Self {
        let slices = (axis.outer * axis.inner).div_ceil(128);
        let rows = (axis.n * slices / BLOCKS).clamp(1, ROWS);
        let ranges = axis.n.div_ceil(rows);
        Self {
            rows,
            ranges,
            slices,
        }
    }

    /// The launch. `given` are its own parameters, which come before those of both variants.
    fn launch(self, axis: Axis, counted: usize, dx: Addr, given: Given) -> Result<Plan, Error> {
        let (placed, mut p) = given;
        p.u64(dx);
        p.u32(count(axis.n)?);
        p.u32(count(counted)?);
        p.divisor(count(axis.inner)?);
        for v in [axis.outer * axis.inner, self.rows, self.ranges] {
            p.u32(count(v)?);
        }
        let rows = (self.rows as u8).next_power_of_two();
        Ok(vec![Launch {
            module: Module::plain(Form::TakeGrad { rows, placed }),
            grid: [total(&[self.slices, self.ranges])?, 1, 1],
            block: [128, 1, 1],
            shared: 0,
            params: p,
        }])
    }
}

/// Whether the indices are in buckets, and the first parameters.
type Given = (bool, Params);

/// Buckets of `share` ranges, and tiles of `length` indices.
struct Buckets {
    share: usize,
    buckets: usize,
    length: usize,
    tiles: usize,
}

impl Buckets {
    /// Buckets, if they pay.
    fn new(cut: &Cut, counted: usize) -> Option<Self> {
        let turns = (cut.slices * cut.ranges).div_ceil(BLOCKS);
        if counted.saturating_mul(turns) < WORTH {
            return None;
        }
        let share = cut.ranges.div_ceil(BUCKETS);
        let length = counted.div_ceil(TILES).next_multiple_of(128).max(LEAST);
        Some(Self {
            share,
            buckets: cut.ranges.div_ceil(share),
            length,
            tiles: counted.div_ceil(length),
        })
    }

    /// The sizes in bytes of the list, of the buckets' starts, and of the counts.
    fn bytes(&self, counted: usize) -> [usize; 3] {
        let starts = 4 * (self.buckets + 1);
        [8 * counted, starts, 4 * self.tiles * self.buckets]
    }
}

/// Bytes that [`take_grad`] needs at `work`, aligned to 8; often 0.
pub fn take_grad_work(axis: Axis, counted: usize) -> usize {
    let buckets = Buckets::new(&Cut::new(axis), counted);
    buckets.map_or(0, |b| b.bytes(counted).iter().sum())
}

/// `dx = 0; dx[o, index[c], i] += dy[o, c, i]`, in the order of c.
pub fn take_grad(
    axis: Axis,
    counted: usize,
    dy: Addr,
    index: Addr,
    dx: Addr,
    fault: Fault,
    work: Addr,
) -> Result<Plan, Error> {
    sizes(axis, counted)?;
    let cut = Cut::new(axis);
    let Some(b) = Buckets::new(&cut, counted) else {
        return scan(axis, counted, dy, index, dx, fault);
    };
    if total(&[axis.outer, axis.n, axis.inner])? == 0 {
        return Ok(Plan::new());
    }
    let [list, starts, _] = b.bytes(counted).map(|bytes| bytes as u64);
    let (list, starts, counts) = (work, work + list, work + list + starts);
    let tiles = |place: bool| {
        let mut p = Params::default();
        p.u64(index);
        p.u64(counts);
        if place {
            p.u64(list);
        } else {
            fault.params(&mut p);
        }
        for v in [axis.n, counted, b.buckets, b.length] {
            p.u32(count(v)?);
        }
        p.divisor(count(b.share * cut.rows)?);
        launch(Form::Bucket { place }, b.tiles, 32, p)
    };
    let mut p = Params::default();
    p.u64(counts);
    p.u64(starts);
    p.u32(count(b.tiles)?);
    p.u32(count(b.buckets)?);
    let mut plan = vec![
        tiles(false)?,
        launch(Form::Starts, 1, BUCKETS, p)?,
        tiles(true)?,
    ];
    let mut p = Params::default();
    p.u64(dy);
    p.u64(list);
    p.u64(starts);
    p.u32(count(b.share)?);
    plan.extend(cut.launch(axis, counted, dx, (true, p))?);
    Ok(plan)
}

/// The same, with each block reading all indices.
pub(crate) fn scan(
    axis: Axis,
    counted: usize,
    dy: Addr,
    index: Addr,
    dx: Addr,
    fault: Fault,
) -> Result<Plan, Error> {
    sizes(axis, counted)?;
    if total(&[axis.outer, axis.n, axis.inner])? == 0 {
        return Ok(Plan::new());
    }
    let mut p = Params::default();
    p.u64(dy);
    p.u64(index);
    fault.params(&mut p);
    Cut::new(axis).launch(axis, counted, dx, (false, p))
}

/// A launch of `blocks` blocks.
fn launch(form: Form, blocks: usize, threads: usize, params: Params) -> Result<Launch, Error> {
    Ok(Launch {
        module: Module::plain(form),
        grid: [count(blocks)?, 1, 1],
        block: [count(threads)?, 1, 1],
        shared: 0,
        params,
    })
}
