//! Calls as data: the function of this processor for each call.
//!
//! Compiled once for each float type, in this crate, and not in every crate that declares a network.

use super::{Cpu, attention, convert, convolution, copy, index, integers, random, rows};
use crate::Float;
use crate::device::{
    Addr, Axis, Call, Exact, Found, Launch, Operand, Role, ScoreMask, Softmax, What,
};
use crate::float::PerFloat;

impl<F: Float> Launch for Cpu<F> {
    #[cfg_attr(not(debug_assertions), inline(always))]
    unsafe fn launch(&self, call: &Call<'_>, at: &[Addr], _: What) -> Result<(), Found> {
        // SAFETY: the caller's.
        unsafe { F::per::<Launched>((self, call, at)) }
    }
}

enum Launched {}

/// The device, the call and its operands.
type Launching<'a, F> = (&'a Cpu<F>, &'a Call<'a>, &'a [Addr]);

impl PerFloat for Launched {
    type Args<'a, F: Float> = Launching<'a, F>;
    type Output<F: Float> = Result<(), Found>;
    unsafe fn f32((cpu, call, at): Launching<'_, f32>) -> Result<(), Found> {
        // SAFETY: the caller's.
        unsafe { launch(cpu, call, at) }
    }
    unsafe fn f64((cpu, call, at): Launching<'_, f64>) -> Result<(), Found> {
        // SAFETY: the caller's.
        unsafe { launch(cpu, call, at) }
    }
}

/// Makes a call.
///
/// # Safety
/// The kernels' contract.
unsafe fn launch<F: Float>(cpu: &Cpu<F>, call: &Call<'_>, at: &[Addr]) -> Result<(), Found> {
    // SAFETY: the caller's, for the operands in the order in which the call declares them.
    unsafe {
        match (*call, at) {
            (Call::Fill { value, len }, &[y]) => copy::fill::<F>(value, len, y),
            (Call::Convert { from, to, len }, &[x, y]) => {
                convert::run(cpu, [from, to], len, [x, y]);
            }
            (Call::Bernoulli { keep, stream, len }, &[y]) => {
                random::bernoulli(cpu, keep, stream, len, y);
            }
            (Call::ArgReduce { largest, axis }, &[x, y]) => {
                rows::arg_reduce(cpu, largest, axis, x.cast(), y.cast());
            }
            (Call::Softmax { kind, axis }, &[x, y]) => {
                let work = match kind {
                    Softmax::Softmax => rows::Work::Softmax,
                    Softmax::LogSoftmax => rows::Work::LogSoftmax,
                };
                let none = std::ptr::null_mut();
                rows::exponentials(cpu, work, axis, x.cast(), y.cast(), none);
            }
            (Call::LogSumExp { axis }, &[x, log, max]) => {
                let work = rows::Work::LogSumExp;
                rows::exponentials(cpu, work, axis, x.cast(), log.cast(), max.cast());
            }
            (Call::Running { how, reverse, axis }, &[x, y]) => {
                rows::running::<F>(cpu, how, reverse, axis, [x.cast(), y.cast()]);
            }
            (Call::Integers(f), &[a, b, y]) => return integers::integers::<F>(f, [a, b, y]),
            (Call::Convolve { role, size }, &[a, b, y]) => {
                let arrays = match role {
                    Role::X => [b, a, y],
                    Role::W | Role::Y => [a, b, y],
                };
                convolution::run(cpu, role, size, arrays.map(|a| a.cast()));
            }
            (Call::WindowArgMax(window), &[x, index]) => {
                convolution::arg_max::<F>(cpu, window, x.cast(), index.cast());
            }
            (Call::Attention { size, masks }, &[q, k, v, ref rest @ .., out, lse]) => {
                let added = operands(masks, rest);
                let masks = &added[..masks.len()];
                let inputs = [q, k, v].map(|a| a.cast());
                attention::forward::<F>(cpu, size, inputs, masks, [out.cast(), lse.cast()]);
            }
            (
                Call::AttentionGrad { size, masks },
                &[q, k, v, ref rest @ .., out, lse, dout, dq, dk, dv],
            ) => {
                let added = operands(masks, rest);
                let masks = &added[..masks.len()];
                let [inputs, saved, grads] =
                    [[q, k, v], [out, lse, dout], [dq, dk, dv]].map(|a| a.map(|a| a.cast()));
                attention::backward::<F>(cpu, size, inputs, masks, saved, grads);
            }
            (Call::Take { dtype, axis, count }, &[x, index, y]) => {
                let fine = match dtype.size(size_of::<F>()) {
                    8 => index::take::<u64, F>(cpu, axis, count, x.cast(), index.cast(), y.cast()),
                    4 => index::take::<u32, F>(cpu, axis, count, x.cast(), index.cast(), y.cast()),
                    _ => index::take::<u8, F>(cpu, axis, count, x, index.cast(), y),
                };
                return checked(fine, index, axis, count);
            }
            (Call::TakeGrad { axis, count }, &[dy, index, dx]) => {
                let fine = index::take_grad(cpu, axis, count, [dy, index, dx]);
                return checked(fine, index, axis, count);
            }
            (Call::Put { dtype, axis, count }, &[source, index, y]) => {
                let (x, y, at) = (source, y, index);
                let fine = match dtype.size(size_of::<F>()) {
                    8 => index::put::<u64, F>(cpu, axis, count, x.cast(), at.cast(), y.cast()),
                    4 => index::put::<u32, F>(cpu, axis, count, x.cast(), at.cast(), y.cast()),
                    _ => index::put::<u8, F>(cpu, axis, count, x, at.cast(), y),
                };
                return checked(fine, index, axis, count);
            }
            (Call::Gather { dtype, axis, count }, &[x, index, y]) => {
                let at = index;
                let fine = match dtype.size(size_of::<F>()) {
                    8 => index::gather::<u64, F>(cpu, axis, count, x.cast(), at.cast(), y.cast()),
                    4 => index::gather::<u32, F>(cpu, axis, count, x.cast(), at.cast(), y.cast()),
                    _ => index::gather::<u8, F>(cpu, axis, count, x, at.cast(), y),
                };
                return checked(fine, index, axis, axis.outer * count * axis.inner);
            }
            (Call::GatherGrad { axis, count }, &[dy, index, dx]) => {
                let fine = index::gather_grad(cpu, axis, count, [dy, index, dx]);
                return checked(fine, index, axis, axis.outer * count * axis.inner);
            }
            // Not reached: a run has counted the operands.
            _ => {}
        }
        Ok(())
    }
}

/// The masks of attention with their addresses.
fn operands(masks: &[ScoreMask], at: &[Addr]) -> [Operand<4>; Call::MOST] {
    let nothing = Operand {
        addr: std::ptr::null_mut(),
        start: 0,
        strides: [0; 4],
    };
    let mut all = [nothing; Call::MOST];
    for (to, (mask, addr)) in all.iter_mut().zip(masks.iter().zip(at)) {
        (to.addr, to.strides) = (*addr, mask.strides);
    }
    all
}

/// The first of `len` indices that is outside 0..n, if any.
///
/// # Safety
/// The indices lie at `index`.
#[cfg_attr(not(debug_assertions), inline(always))]
unsafe fn checked(fine: bool, index: Addr, axis: Axis, len: usize) -> Result<(), Found> {
    match fine {
        true => Ok(()),
        // SAFETY: the caller's.
        false => unsafe { first_outside(index, axis.n, len) },
    }
}

#[cold]
unsafe fn first_outside(index: Addr, n: usize, len: usize) -> Result<(), Found> {
    // SAFETY: the caller's; the call has ended, so they are not written now.
    let all = unsafe { std::slice::from_raw_parts(index.cast::<i64>(), len) };
    let outside = |i: &i64| usize::try_from(*i).map_or(true, |i| i >= n);
    match all.iter().position(outside) {
        Some(at) => Err(Found {
            at,
            value: Exact::Int(all[at].into()),
        }),
        None => Ok(()),
    }
}
