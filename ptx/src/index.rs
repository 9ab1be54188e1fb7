//! Reads and writes at positions held as data. An index out of range is not accessed: a read gives 0, a write is
//! skipped, and the error is reported.

use crate::call::{Addr, FLOAT, aligned};
use crate::launch::{Error, Launch, Params, Plan, count, total};
use crate::lines::Along;
use crate::moves::{cell, fill, simple};
use crate::take_grad::{BLOCKS, scan};
use crate::{Axis, DType, Form, Module, Number};

/// The place where an index out of range is reported: a word on the device, which is 0 before.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Fault {
    /// The word's address.
    pub addr: Addr,
    /// The value that the first thread with such an index writes; not 0.
    pub code: u32,
}

impl Fault {
    pub(crate) fn params(self, p: &mut Params) {
        p.u64(self.addr);
        p.u32(self.code);
    }
}

/// The number of runs whose codes [`outcome`] keeps.
pub const RUNS: usize = 1024;

/// Ends a run. At `words`, aligned to 16 bytes: the word that the run's calls got as [`Fault::addr`], which is cleared;
/// the number of runs with errors; the number of finished runs; 0; the codes of the last [`RUNS`] runs, with that of
/// run k at k modulo `RUNS`. `keep`: 0, or the address of a word for the code.
pub fn outcome(words: Addr, keep: Addr) -> Launch {
    let mut params = Params::default();
    params.u64(words);
    params.u64(keep);
    Launch {
        module: Module::plain(Form::Outcome),
        grid: [1; 3],
        block: [1; 3],
        shared: 0,
        params,
    }
}

/// Checks the sizes: of x, and of arrays with the shape (outer, count, inner).
pub(crate) fn sizes(axis: Axis, counted: usize) -> Result<u32, Error> {
    total(&[axis.outer, axis.n, axis.inner])?;
    total(&[axis.outer, counted, axis.inner])
}

fn read(
    each: bool,
    ty: DType,
    axis: Axis,
    counted: usize,
    [x, index, y]: [Addr; 3],
    fault: Fault,
) -> Result<Plan, Error> {
    let mut total = sizes(axis, counted)?;
    if total == 0 {
        return Ok(Plan::new());
    }
    // With one index for a whole row, rows are moved in cells of several elements if possible.
    let mut inner = axis.inner;
    let mut size = ty.size(FLOAT);
    let several = cell(ty);
    let bytes = (several * size) as u64;
    if !each && inner.is_multiple_of(several) && aligned(x, bytes) && aligned(y, bytes) {
        inner /= several;
        total /= several as u32;
        size *= several;
    }
    let mut p = Params::default();
    p.u64(x);
    p.u64(index);
    p.u64(y);
    fault.params(&mut p);
    p.u32(count(axis.n)?);
    p.divisor(count(counted)?);
    p.divisor(count(inner)?);
    p.u32(total);
    let size = size as u8;
    simple(Form::Take { each, size }, total as usize, p)
}

/// `y[o, c, i] = x[o, index[c], i]`, `c < count`.
pub fn take(
    ty: DType,
    axis: Axis,
    count: usize,
    x: Addr,
    index: Addr,
    y: Addr,
    fault: Fault,
) -> Result<Plan, Error> {
    read(false, ty, axis, count, [x, index, y], fault)
}

/// `y[o, j, i] = x[o, index[o, j, i], i]`, `j < count`.
pub fn gather(
    ty: DType,
    axis: Axis,
    count: usize,
    x: Addr,
    index: Addr,
    y: Addr,
    fault: Fault,
) -> Result<Plan, Error> {
    read(true, ty, axis, count, [x, index, y], fault)
}

fn write(
    add: bool,
    size: usize,
    axis: Axis,
    counted: usize,
    [src, index, y]: [Addr; 3],
    fault: Fault,
) -> Result<Plan, Error> {
    sizes(axis, counted)?;
    let columns = total(&[axis.outer, axis.inner])?;
    if columns == 0 || counted == 0 {
        return Ok(Plan::new());
    }
    let mut p = Params::default();
    p.u64(src);
    p.u64(index);
    p.u64(y);
    fault.params(&mut p);
    p.u32(count(axis.n)?);
    p.u32(count(counted)?);
    p.divisor(count(axis.inner)?);
    p.u32(columns);
    let size = size as u8;
    simple(Form::Put { add, size }, columns as usize, p)
}

/// `y[o, index[c], i] = src[o, c, i]`. Of equal indices the last wins. Other rows of y are unchanged.
pub fn put(
    ty: DType,
    axis: Axis,
    count: usize,
    src: Addr,
    index: Addr,
    y: Addr,
    fault: Fault,
) -> Result<Plan, Error> {
    let several = cell(ty);
    let bytes = several * ty.size(FLOAT);
    let fit = aligned(src, bytes as u64) && aligned(y, bytes as u64);
    if axis.inner.is_multiple_of(several) && fit {
        sizes(axis, count)?;
        let inner = axis.inner / several;
        let axis = Axis { inner, ..axis };
        return write(false, bytes, axis, count, [src, index, y], fault);
    }
    write(false, ty.size(FLOAT), axis, count, [src, index, y], fault)
}

/// `dx = 0; dx[o, index[o, j, i], i] += dy[o, j, i]`, in the order of j.
pub fn gather_grad(
    axis: Axis,
    count: usize,
    dy: Addr,
    index: Addr,
    dx: Addr,
    fault: Fault,
) -> Result<Plan, Error> {
    if axis.outer * axis.inner == 1 && axis.n <= BLOCKS {
        // An index for each element is then an index for each row, whose kernel has more threads.
        return scan(axis, count, dy, index, dx, fault);
    }
    if count >= WARP && axis.inner < WARP {
        return lines(axis, count, [dy, index, dx], fault);
    }
    let all = sizes(axis, 0).and(total(&[axis.outer, axis.n, axis.inner]))?;
    let mut plan = fill(Number::Float(0.0), all as usize, dx)?;
    plan.extend(write(true, 4, axis, count, [dy, index, dx], fault)?);
    Ok(plan)
}

/// The threads that process a line together in [`lines`], and the number of such groups that keep a large GPU busy.
const WARP: usize = 32;
const WARPS: usize = 2112;

/// A warp for each line, or several if there are few lines.
fn lines(
    axis: Axis,
    counted: usize,
    [dy, index, dx]: [Addr; 3],
    fault: Fault,
) -> Result<Plan, Error> {
    sizes(axis, counted)?;
    let all = axis.columns()? as usize;
    if all == 0 || axis.n == 0 {
        return Ok(Plan::new());
    }
    let most = axis.n.div_ceil(WARP);
    let rows = axis.n.div_ceil((WARPS / all).clamp(1, most.min(WARP)));
    let ranges = axis.n.div_ceil(rows);
    let warps = total(&[all, ranges])?;
    let mut p = Params::default();
    p.u64(dy);
    p.u64(index);
    p.u64(dx);
    fault.params(&mut p);
    p.u32(count(axis.n)?);
    p.u32(count(counted)?);
    p.divisor(count(axis.inner)?);
    for v in [rows, ranges] {
        p.u32(count(v)?);
    }
    p.u32(warps);
    Ok(vec![Launch {
        module: Module::plain(Form::GatherGrad),
        grid: [warps.div_ceil(8), 1, 1],
        block: [256, 1, 1],
        shared: 0,
        params: p,
    }])
}
