//! Reductions after a fused body, reductions to indices, softmax and related functions, running sums.

use crate::call::{Addr, Arg, Scalars, check, params};
use crate::form::Exponential;
use crate::launch::{Error, Launch, Params, Plan};
use crate::lines::{Along, Lines, across, lines};
use crate::{Axis, Body, Combiner, Form, Module, Softmax};

/// The number of blocks that keep a large GPU busy. It does not depend on the device, so that sums have the same order
/// on every one.
const BUSY: usize = 264;
/// The number of elements of a lane from which on n is divided into segments.
const WORTH: usize = 16;

/// The number of segments into which n is divided, and their length.
fn segments(axis: Axis, lines: Lines) -> (usize, usize) {
    let blocks = (axis.outer * axis.inner).div_ceil(usize::from(lines.cols));
    let most = axis.n.div_ceil(usize::from(lines.lanes) * WORTH);
    let wanted = (BUSY / blocks.max(1)).clamp(1, most.max(1));
    // A multiple of the number of lanes.
    let length = axis.n.div_ceil(wanted);
    let length = length.next_multiple_of(usize::from(lines.lanes)).max(1);
    (axis.n.div_ceil(length).max(1), length)
}

/// Bytes that [`reduce`] needs at `work`, aligned to 4; often 0.
pub fn reduce_work(axis: Axis) -> usize {
    match segments(axis, lines(axis)).0 {
        1 => 0,
        s => 4 * s * axis.outer * axis.inner,
    }
}

/// `y[o, i] = reduce over n of body(inputs at (o, n, i))`; the body has one result, a float.
pub fn reduce(
    body: &Body,
    kind: Combiner,
    axis: Axis,
    inputs: &[Arg],
    y: Addr,
    scalars: Scalars,
    work: Addr,
) -> Result<Plan, Error> {
    check(body, 0, 3, inputs, 1, scalars)?;
    let columns = axis.columns()?;
    if columns == 0 {
        return Ok(Plan::new());
    }
    let (parts, length) = segments(axis, lines(axis));
    let stage = |body: &Body, axis, inputs: &[Arg], y, scalars: Scalars, parts: usize, length| {
        let lines = lines(axis);
        let module = Module {
            form: Form::Reduce { kind, lines },
            body: *body,
            device_scalars: scalars.on_device(),
        };
        let mut p = params(&module, 0, inputs, &[y], scalars)?;
        p.u32(length as u32);
        axis.params(&mut p)?;
        Ok(Launch {
            module,
            grid: [lines.blocks(columns), parts as u32, 1],
            block: [lines.threads(), 1, 1],
            shared: 0,
            params: p,
        })
    };
    if parts == 1 {
        return Ok(vec![stage(body, axis, inputs, y, scalars, 1, length)?]);
    }
    let rest = Axis { n: parts, ..axis };
    let inner = axis.inner as i64;
    let partial = Arg::new(work, &[parts as i64 * inner, inner, 1]);
    Ok(vec![
        stage(body, axis, inputs, work, scalars, parts, length)?,
        stage(
            &Body::IDENTITY,
            rest,
            &[partial],
            y,
            Scalars::NONE,
            1,
            parts,
        )?,
    ])
}

/// Bytes that [`mean`] needs at `work`, aligned to 8; often 0.
pub fn mean_work(axis: Axis) -> usize {
    2 * reduce_work(axis)
}

/// `y[o, i] = mean over n of body(inputs at (o, n, i))`, summed in double precision and rounded once. A second address
/// gets the rounding error. The body has one result, a float.
pub fn mean(
    body: &Body,
    axis: Axis,
    inputs: &[Arg],
    [y, rest]: [Option<Addr>; 2],
    scalars: Scalars,
    work: Addr,
) -> Result<Plan, Error> {
    check(body, 0, 3, inputs, 1, scalars)?;
    let columns = axis.columns()?;
    if columns == 0 {
        return Ok(Plan::new());
    }
    let [y, rest] = [y, rest].map(Option::unwrap_or_default);
    let lines = lines(axis);
    let (parts, length) = segments(axis, lines);
    let module = Module {
        form: Form::Mean { lines },
        body: *body,
        device_scalars: scalars.on_device(),
    };
    let to = if parts == 1 { y } else { work };
    let mut p = params(&module, 0, inputs, &[to], scalars)?;
    p.u64(rest);
    p.u32(length as u32);
    axis.params(&mut p)?;
    let mut plan = vec![Launch {
        module,
        grid: [lines.blocks(columns), parts as u32, 1],
        block: [lines.threads(), 1, 1],
        shared: 0,
        params: p,
    }];
    if parts > 1 {
        let mut p = Params::default();
        p.u64(work);
        p.u64(y);
        p.u64(rest);
        p.u32(axis.n as u32);
        Axis { n: parts, ..axis }.params(&mut p)?;
        plan.push(Launch {
            module: Module::plain(Form::MeanOfParts),
            grid: [columns.div_ceil(256), 1, 1],
            block: [256, 1, 1],
            shared: 0,
            params: p,
        });
    }
    Ok(plan)
}

/// A kernel of one x and some results along an axis.
fn plain(form: Form, axis: Axis, lines: Lines, x: Addr, ys: &[Addr]) -> Result<Plan, Error> {
    let columns = axis.columns()?;
    if columns == 0 {
        return Ok(Plan::new());
    }
    let mut params = Params::default();
    params.u64(x);
    ys.iter().for_each(|y| params.u64(*y));
    axis.params(&mut params)?;
    Ok(vec![Launch {
        module: Module::plain(form),
        grid: [lines.blocks(columns), 1, 1],
        block: [lines.threads(), 1, 1],
        shared: 0,
        params,
    }])
}

/// `y[o, i]` = the index of the first largest (`largest`) or smallest along n; the first NaN wins.
pub fn arg_reduce(largest: bool, axis: Axis, x: Addr, y: Addr) -> Result<Plan, Error> {
    let lines = lines(axis);
    plain(Form::ArgReduce { largest, lines }, axis, lines, x, &[y])
}

/// Lanes for softmax, and the number of elements that each keeps in registers (0: none, x is read again).
fn rows(axis: Axis) -> (Lines, u8) {
    let lines = if axis.inner > 1 || axis.n <= 4 {
        across(axis.n, axis.outer * axis.inner)
    } else {
        let (lanes, cols) = match axis.n {
            0..=512 => (32, 8),
            513..=4096 => (256, 1),
            _ => (1024, 1),
        };
        Lines {
            lanes,
            cols,
            along: true,
        }
    };
    let hold = axis
        .n
        .div_ceil(usize::from(lines.lanes))
        .next_power_of_two();
    (lines, if hold <= 16 { hold as u8 } else { 0 })
}

fn exponential(kind: Exponential, axis: Axis, x: Addr, ys: &[Addr]) -> Result<Plan, Error> {
    let (lines, hold) = rows(axis);
    let form = Form::Exponential { kind, lines, hold };
    plain(form, axis, lines, x, ys)
}

/// Softmax or log-softmax along n; `y` may be `x`.
pub fn softmax(kind: Softmax, axis: Axis, x: Addr, y: Addr) -> Result<Plan, Error> {
    let kind = match kind {
        Softmax::Softmax => Exponential::Softmax,
        Softmax::LogSoftmax => Exponential::LogSoftmax,
    };
    exponential(kind, axis, x, &[y])
}

/// `log(sum over n of exp(x))` in two parts: `log(sum(exp(x - max)))` and `max`, or 0 where that is infinite;
/// all `-inf` gives `-inf` and 0.
pub fn logsumexp(axis: Axis, x: Addr, y: [Addr; 2]) -> Result<Plan, Error> {
    exponential(Exponential::LogSumExp, axis, x, &y)
}

/// Running sums along n, from the start or (`reverse`) from the end; `y` may be `x`.
pub fn running(how: Combiner, reverse: bool, axis: Axis, x: Addr, y: Addr) -> Result<Plan, Error> {
    let scan = axis.n >= 256 && axis.outer * axis.inner < 16_384;
    let lines = Lines {
        lanes: if scan { 256 } else { 1 },
        cols: if scan { 1 } else { 256 },
        along: scan,
    };
    let form = Form::Running { how, reverse, scan };
    plain(form, axis, lines, x, &[y])
}
