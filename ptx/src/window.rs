//! Windows over images, for pooling.

use crate::call::Addr;
use crate::launch::{Error, Params, Plan, count, total};
use crate::moves::simple;
use crate::{Form, Window2};

/// `index[p, i]` = flat position of the first largest element of window i in image p. NaN wins. -1 if a window has no
/// cell inside.
pub fn window_arg_max(w: Window2, x: Addr, index: Addr) -> Result<Plan, Error> {
    total(&[w.planes, w.x[0], w.x[1]])?;
    let all = total(&[w.planes, w.y[0], w.y[1]])?;
    if all == 0 {
        return Ok(Plan::new());
    }
    for d in 0..2 {
        let windows = w.y[d].saturating_mul(w.stride[d]);
        let cells = w.kernel[d].saturating_mul(w.dilation[d]);
        total(&[windows.saturating_add(cells).max(w.padding[d])])?;
    }
    let mut p = Params::default();
    p.u64(x);
    p.u64(index);
    p.divisor(count(w.y[0] * w.y[1])?);
    p.divisor(count(w.y[1])?);
    let pairs = [w.stride, w.padding, w.dilation, w.kernel, w.x];
    for v in pairs.into_iter().flatten() {
        p.u32(count(v)?);
    }
    p.u32(all);
    simple(Form::WindowArgMax, all as usize, p)
}
