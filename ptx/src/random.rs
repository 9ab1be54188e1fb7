//! Random booleans, with the same bits as on the CPU.

use crate::call::Addr;
use crate::launch::{Error, Launch, Params, Plan, count};
use crate::moves::simple;
use crate::{Form, Module, Stream};

/// A word is below the bound with probability `keep`: never for 0, always for 1.
pub(crate) fn bound(keep: f64) -> u64 {
    (keep * 4_294_967_296.0) as u64
}

/// Booleans, true with probability `keep`. `step` is the address of the stream's step, 8 bytes that each launch reads,
/// so that a captured graph draws new numbers each time.
pub fn bernoulli(
    keep: f64,
    stream: Stream,
    step: Addr,
    len: usize,
    y: Addr,
) -> Result<Plan, Error> {
    let len = count(len)?;
    if len == 0 {
        return Ok(Plan::new());
    }
    let mut p = Params::default();
    p.u64(y);
    p.u64(step);
    p.u64(stream.seed);
    p.u64(stream.node);
    p.u64(bound(keep));
    p.u32(len);
    simple(Form::Bernoulli, len.div_ceil(4) as usize, p)
}

/// Adds 1 to the step at this address.
pub fn advance(step: Addr) -> Launch {
    let mut params = Params::default();
    params.u64(step);
    Launch {
        module: Module::plain(Form::Advance),
        grid: [1; 3],
        block: [1; 3],
        shared: 0,
        params,
    }
}
