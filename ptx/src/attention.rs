//! Attention and its gradients, without storing the weights of all queries and keys.

use crate::call::{Addr, Arg, Scalars, aligned};
use crate::form::Attending;
use crate::launch::{Error, Launch, Params, Plan, count, stride, total};
use crate::moves::fill;
use crate::random::bound;
use crate::reduce::{reduce, reduce_work};
use crate::{
    Attention, Axis, Body, Combiner, DType, Dropout, Form, Inner, Module, Number, Operand, Scalar,
    Step,
};

/// Rows of a thread: 8 threads make tiles of 32 or 64 rows.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Rows {
    /// Tiles of 32, for more blocks.
    Four,
    /// Tiles of 64, which reuse more of the elements that they read.
    Eight,
}

/// Threads of a block.
const THREADS: u32 = 128;
/// The number of blocks that keep a large GPU busy. It does not depend on the device, so that sums have the same order
/// on every one.
const BUSY: usize = 264;

const FLOAT: Operand = Operand::new(DType::Float, Inner::Many);

const TIMES: Body = Body {
    inputs: &[FLOAT, FLOAT],
    steps: &[
        Step::Load(0),
        Step::Load(1),
        Step::Apply(Scalar::Mul, &[0, 1]),
    ],
    results: &[2],
};

fn check(g: &Attention, masks: &[Arg]) -> Result<(), Error> {
    let units = [g.batch, g.heads];
    for size in [
        [g.queries, g.width],
        [g.keys, g.width],
        [g.keys, g.value_width],
        [g.queries, g.value_width],
    ] {
        // Kernels count positions beyond the end, too.
        count(size[0].saturating_add(128))?;
        count(size[1].saturating_add(128))?;
        total(&[units[0], units[1], size[0], size[1]])?;
    }
    total(&[units[0], units[1], 2, g.queries])?;
    let sizes = [g.batch, g.heads, g.queries, g.keys];
    for mask in masks {
        if mask.strides.len() != 4 || mask.strides.iter().any(|s| *s < 0) {
            return Err(Error::Malformed);
        }
        // The last position. Empty arrays are not read.
        let steps = sizes.iter().map(|n| n.saturating_sub(1));
        let far = |(n, s): (usize, &i64)| n.saturating_mul(*s as usize);
        let last = steps.zip(&mask.strides).map(far);
        count(last.fold(0, usize::saturating_add))?;
    }
    // The maximum number of parameters of a kernel.
    if masks.len() > 64 {
        return Err(Error::TooLarge);
    }
    Ok(())
}

/// Rows of `out`, with the size along them.
fn lines(g: &Attention) -> Axis {
    Axis {
        outer: g.units() * g.queries,
        n: g.value_width,
        inner: 1,
    }
}

/// Distances between samples, heads and rows.
fn layout(g: &Attention, length: usize, width: usize, p: &mut Params) -> Result<(), Error> {
    let (heads, length, width) = (g.heads.max(1), length.max(1), width);
    let [head, row] = match g.interleaved {
        true => [width, heads * width],
        false => [length * width, width],
    };
    for distance in [heads * length * width, head, row] {
        p.u32(count(distance)?);
    }
    Ok(())
}

/// A launch for tiles of `length` rows, with `columns` columns of results.
#[allow(clippy::too_many_arguments)]
fn launch(
    g: &Attention,
    step: Addr,
    of: Attending,
    high: Option<Rows>,
    [length, columns]: [usize; 2],
    arrays: &[Addr],
    masks: &[Arg],
) -> Result<Launch, Error> {
    let wide = match columns {
        0..=32 => 32,
        33..=64 => 64,
        _ => 128,
    };
    let across = columns.div_ceil(wide).max(1);
    let blocks = length.div_ceil(64) * g.units() * across;
    let high = match high {
        // Two results of 8 such wide rows do not fit in registers.
        _ if of == Attending::Keys && wide == 128 => 4,
        Some(Rows::Four) => 4,
        Some(Rows::Eight) => 8,
        None if blocks < BUSY => 4,
        None => 8,
    };
    let fours = [g.width, g.value_width].iter().all(|n| n.is_multiple_of(4));
    let form = Form::Attention {
        of,
        high: high as u8,
        wide: wide as u8,
        causal: g.causal,
        masks: masks.len() as u8,
        vector: fours && arrays.iter().all(|a| aligned(*a, 16)),
        drop: g.dropout.is_some(),
    };
    let tiles = length.div_ceil(8 * high);
    let mut p = Params::default();
    arrays.iter().for_each(|a| p.u64(*a));
    layout(g, g.queries, g.width, &mut p)?;
    layout(g, g.keys, g.width, &mut p)?;
    layout(g, g.keys, g.value_width, &mut p)?;
    layout(g, g.queries, g.value_width, &mut p)?;
    if of != Attending::Results {
        layout(g, g.queries, 1, &mut p)?;
    }
    for mask in masks {
        p.u64(mask.addr);
        for s in &mask.strides {
            p.i32(stride(*s)?);
        }
    }
    for n in [g.heads, g.queries, g.keys, g.width, g.value_width, tiles] {
        p.u32(count(n)?);
    }
    p.f32(g.scale as f32);
    if let Some(Dropout { p: rate, stream }) = g.dropout {
        for word in [step, stream.seed, stream.node, bound(1.0 - rate)] {
            p.u64(word);
        }
        p.f32(kept(rate));
    }
    Ok(Launch {
        module: Module::plain(form),
        grid: [total(&[g.units(), tiles])?, count(across)?, 1],
        block: [THREADS, 1, 1],
        shared: 0,
        params: p,
    })
}

/// The factor of a weight that is kept.
fn kept(rate: f64) -> f32 {
    if rate < 1.0 {
        (1.0 / (1.0 - rate)) as f32
    } else {
        0.0
    }
}

/// `out[i] = sum over j of w[i, j] v[j]`, `w[i] = softmax over j of scale q[i] k[j] + masks[i, j]`. `lse`, (batch,
/// heads, 2, queries), has the logarithm of the softmax's sum of `exp(score - max)`, and `max`, the largest score.
/// Masks have the shape (batch, heads, queries, keys). A query that sees no key gets 0, and minus infinity. `step` is
/// the address of the step of dropout's random numbers, as for [`bernoulli`](crate::bernoulli).
pub fn attention(
    g: Attention,
    step: Addr,
    [q, k, v]: [Addr; 3],
    masks: &[Arg],
    outputs: [Addr; 2],
) -> Result<Plan, Error> {
    attention_as(None, g, step, [q, k, v], masks, outputs)
}

/// [`attention`] in tiles that the caller chooses.
pub fn attention_as(
    rows: Option<Rows>,
    g: Attention,
    step: Addr,
    [q, k, v]: [Addr; 3],
    masks: &[Arg],
    [out, lse]: [Addr; 2],
) -> Result<Plan, Error> {
    check(&g, masks)?;
    let results = g.units() * g.queries;
    if results == 0 {
        return Ok(Plan::new());
    }
    if g.keys == 0 {
        let mut plan = fill(Number::Float(0.0), results * g.value_width, out)?;
        plan.extend(fill(Number::Float(f64::NEG_INFINITY), 2 * results, lse)?);
        return Ok(plan);
    }
    let size = [g.queries, g.value_width];
    let arrays = [q, k, v, out, lse];
    let of = Attending::Results;
    Ok(vec![launch(&g, step, of, rows, size, &arrays, masks)?])
}

/// Bytes that [`attention_grad`] needs at `work`, aligned to 16: a number for each query.
pub fn attention_work(g: Attention) -> usize {
    means(g) + reduce_work(lines(&g))
}

fn means(g: Attention) -> usize {
    (4 * g.units() * g.queries).next_multiple_of(16)
}

/// The gradients of q, k and v, from q, k, v, the results and the gradient of `out`: `saved` is (out, lse, dout).
#[allow(clippy::too_many_arguments)]
pub fn attention_grad(
    g: Attention,
    step: Addr,
    inputs: [Addr; 3],
    masks: &[Arg],
    saved: [Addr; 3],
    outputs: [Addr; 3],
    work: Addr,
) -> Result<Plan, Error> {
    attention_grad_as(None, g, step, inputs, masks, saved, outputs, work)
}

/// [`attention_grad`] in tiles that the caller chooses.
#[allow(clippy::too_many_arguments)]
pub fn attention_grad_as(
    rows: Option<Rows>,
    g: Attention,
    step: Addr,
    [q, k, v]: [Addr; 3],
    masks: &[Arg],
    [out, lse, dout]: [Addr; 3],
    [dq, dk, dv]: [Addr; 3],
    work: Addr,
) -> Result<Plan, Error> {
    check(&g, masks)?;
    let mut plan = Plan::new();
    if g.units() == 0 {
        return Ok(plan);
    }
    let row = [g.value_width as i64, 1, 1];
    let inputs = [Arg::new(out, &row), Arg::new(dout, &row)];
    let (own, none) = (work + means(g) as Addr, Scalars::NONE);
    plan.extend(reduce(
        &TIMES,
        Combiner::Sum,
        lines(&g),
        &inputs,
        work,
        none,
        own,
    )?);
    if g.queries > 0 {
        let arrays = [q, k, v, dout, lse, work, dq];
        let (of, size) = (Attending::Queries, [g.queries, g.width]);
        plan.push(launch(&g, step, of, rows, size, &arrays, masks)?);
    }
    if g.keys > 0 {
        let arrays = [q, k, v, dout, lse, work, dk, dv];
        let (of, size) = (Attending::Keys, [g.keys, g.width.max(g.value_width)]);
        plan.push(launch(&g, step, of, rows, size, &arrays, masks)?);
    }
    Ok(plan)
}
