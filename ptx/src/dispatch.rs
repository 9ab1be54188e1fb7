//! Takes a call as data and the addresses of its operands, and gives the plan of its launches.

use crate::call::{Addr, Arg};
use crate::launch::{Error, Plan};
use crate::{
    Call, Fault, Role, ScoreMask, arg_reduce, attention, attention_grad, attention_work, bernoulli,
    convert, convolution, convolution_work, fill, gather, gather_grad, integers, logsumexp, put,
    running, softmax, take, take_grad, take_grad_work, window_arg_max,
};

/// The requirements of a call in addition to its operands.
#[derive(Clone, Copy, Debug)]
pub struct Context {
    /// The place for reports of indices out of range or integers that do not fit.
    pub fault: Fault,
    /// The address of the step of random numbers, for calls that draw.
    pub step: Addr,
    /// Working memory of the size that [`work`] returns.
    pub work: Addr,
}

/// Bytes of working memory, aligned to 16; often 0.
pub fn work(call: &Call) -> usize {
    match *call {
        Call::Convolve { role, size } => convolution_work(size, role),
        Call::AttentionGrad { size, .. } => attention_work(size),
        Call::TakeGrad { axis, count } => take_grad_work(axis, count),
        _ => 0,
    }
}

/// The launches of a call on operands at these addresses, in the order of [`Call::declare`].
pub fn call(call: &Call, at: &[Addr], context: Context) -> Result<Plan, Error> {
    let Context { fault, step, work } = context;
    match *call {
        Call::Fill { value, len } => {
            let [y] = operands(at)?;
            fill(value, len, y)
        }
        Call::Convert { from, to, len } => convert([from, to], len, operands(at)?),
        Call::Bernoulli { keep, stream, len } => {
            let [y] = operands(at)?;
            bernoulli(keep, stream, step, len, y)
        }
        Call::ArgReduce { largest, axis } => {
            let [x, y] = operands(at)?;
            arg_reduce(largest, axis, x, y)
        }
        Call::Softmax { kind, axis } => {
            let [x, y] = operands(at)?;
            softmax(kind, axis, x, y)
        }
        Call::LogSumExp { axis } => {
            let [x, log, max] = operands(at)?;
            logsumexp(axis, x, [log, max])
        }
        Call::Running { how, reverse, axis } => {
            let [x, y] = operands(at)?;
            running(how, reverse, axis, x, y)
        }
        Call::Integers(f) => integers(f, operands(at)?, fault),
        Call::Convolve { role, size } => {
            let [a, b, c] = operands(at)?;
            let arrays = match role {
                Role::X => [c, a, b],
                Role::W => [a, c, b],
                Role::Y => [a, b, c],
            };
            convolution(size, role, arrays, work)
        }
        Call::WindowArgMax(window) => {
            let [x, index] = operands(at)?;
            window_arg_max(window, x, index)
        }
        Call::Attention { size, masks } => {
            let (inputs, args, rest) = attending(masks, at)?;
            attention(size, step, inputs, &args, operands(rest)?)
        }
        Call::AttentionGrad { size, masks } => {
            let (inputs, args, rest) = attending(masks, at)?;
            let [out, lse, dout, dq, dk, dv] = operands(rest)?;
            let saved = [out, lse, dout];
            attention_grad(size, step, inputs, &args, saved, [dq, dk, dv], work)
        }
        Call::Take { dtype, axis, count } => {
            let [x, index, y] = operands(at)?;
            take(dtype, axis, count, x, index, y, fault)
        }
        Call::TakeGrad { axis, count } => {
            let [dy, index, dx] = operands(at)?;
            take_grad(axis, count, dy, index, dx, fault, work)
        }
        Call::Put { dtype, axis, count } => {
            let [source, index, y] = operands(at)?;
            put(dtype, axis, count, source, index, y, fault)
        }
        Call::Gather { dtype, axis, count } => {
            let [x, index, y] = operands(at)?;
            gather(dtype, axis, count, x, index, y, fault)
        }
        Call::GatherGrad { axis, count } => {
            let [dy, index, dx] = operands(at)?;
            gather_grad(axis, count, dy, index, dx, fault)
        }
    }
}

/// Exactly `N` operands.
fn operands<const N: usize>(at: &[Addr]) -> Result<[Addr; N], Error> {
    at.try_into().map_err(|_| Error::Malformed)
}

/// The inputs of attention, its masks, and the operands after them.
type Attending<'a> = ([Addr; 3], Vec<Arg>, &'a [Addr]);

/// Divides the operands into those.
fn attending<'a>(masks: &[ScoreMask], at: &'a [Addr]) -> Result<Attending<'a>, Error> {
    let (inputs, rest) = at.split_at_checked(3).ok_or(Error::Malformed)?;
    let (added, rest) = rest.split_at_checked(masks.len()).ok_or(Error::Malformed)?;
    let one = |(mask, addr): (&ScoreMask, &Addr)| Arg::new(*addr, &mask.strides.map(|s| s as i64));
    let args = masks.iter().zip(added).map(one).collect();
    Ok((operands(inputs)?, args, rest))
}
