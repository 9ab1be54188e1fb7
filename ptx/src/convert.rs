//! Conversions between stored floats.

use crate::call::{Addr, aligned};
use crate::launch::{Error, Params, Plan, count};
use crate::moves::simple;
use crate::{Form, Stored};

/// `len` elements of x, of the first type, as elements of y, of the second: f32, bf16 or f16.
pub fn convert([from, to]: [Stored; 2], len: usize, [x, y]: [Addr; 2]) -> Result<Plan, Error> {
    let known = |s: Stored| matches!(s, Stored::F32 | Stored::Bf16 | Stored::F16);
    if !(known(from) && known(to)) {
        return Err(Error::Types);
    }
    let elements = count(len)?;
    if elements == 0 {
        return Ok(Plan::new());
    }
    let fours = |at, stored: Stored| aligned(at, 4 * stored.size() as u64);
    let units = match fours(x, from) && fours(y, to) {
        true => elements / 4,
        false => 0,
    };
    let rest = elements - 4 * units;
    let mut p = Params::default();
    p.u64(x);
    p.u64(y);
    p.u32(units);
    p.u32(rest);
    simple(Form::Convert { from, to }, units.max(rest) as usize, p)
}
