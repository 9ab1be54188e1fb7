//! Calls as data: each is checked against the operands that it declares.

use super::Run;
use super::place::{Places, Range};
use super::refusal::{COUNT, Checked, OVERLAP, Refusal};
use crate::device::{Addr, Axis, Call, Exact};
use crate::{Device, Number, Offset, Reads, View};
use netform_core::{Access, Declared};

/// The addresses of a call's operands.
struct Resolved {
    at: [Addr; Call::MOST],
    count: usize,
    /// The outputs are empty, so there is nothing to do.
    empty: bool,
}

impl<D: Device> Run<'_, D> {
    /// Makes a call on these operands, in the order of [`Call::declare`].
    pub fn call(&self, call: &Call<'_>, operands: &[View]) {
        self.call_at(call, operands, Reads::default());
    }

    /// The same for a call that may find an error in its data; `what` names it in that error.
    pub fn call_at(&self, call: &Call<'_>, operands: &[View], what: Reads<'_>) {
        let float = size_of::<D::Float>();
        match resolve(&self.places, float, call, operands) {
            Ok(found) if found.empty => {}
            Ok(Resolved { at, count, .. }) => {
                // SAFETY: `resolve` has checked the operands that the call declares.
                let made = unsafe { self.device.launch(call, &at[..count], self.what(what)) };
                if let Err(found) = made {
                    self.found(call, what, found);
                }
            }
            Err(why) => self.refuse(call.name(), why),
        }
    }

    /// `y = x`, then [`Call::Put`] into y. The operands are source, index, x and y; y may be x.
    pub fn put(&self, axis: Axis, count: usize, [source, index, x, y]: [View; 4], what: Reads<'_>) {
        if x != y {
            self.assign(x, y);
        }
        let dtype = y.dtype;
        self.call_at(&Call::Put { dtype, axis, count }, &[source, index, y], what);
    }

    /// Booleans, true with probability `keep`; `node` is the drawing node's number.
    pub fn bernoulli(&self, keep: f64, node: u64, y: View) {
        let (stream, len) = (self.stream(node), y.len);
        self.call(&Call::Bernoulli { keep, stream, len }, &[y]);
    }

    /// The integer `value`, a size, in all of a view.
    pub fn integer(&self, y: View, value: i128, what: Reads<'_>) {
        match i64::try_from(value) {
            Ok(value) => self.fill(y, Number::Int(value)),
            Err(_) => self.overflow(what, Some((Exact::Int(value), Vec::new()))),
        }
    }

    /// Sets all of a view.
    pub fn fill(&self, y: View, value: Number) {
        let len = y.len;
        self.call(&Call::Fill { value, len }, &[y]);
    }

    /// Writes 0 into the gradients of these parameters, given the places and lengths of all.
    pub fn no_gradients(&self, places: &[Offset], lens: &[usize], params: &[usize]) {
        for &p in params {
            let len = lens.get(p).copied().unwrap_or(0);
            self.fill(self.grad_of(places, p, len), Number::Float(0.0));
        }
    }
}

/// Checks operands against those that the call declares. Compiled once for all devices.
fn resolve(places: &Places, float: usize, call: &Call<'_>, operands: &[View]) -> Checked<Resolved> {
    let mut found = Resolved {
        at: [std::ptr::null_mut(); Call::MOST],
        count: 0,
        empty: true,
    };
    call.check().map_err(Refusal::Broken)?;
    let mut ranges = [(Range::NONE, Access::Read); Call::MOST];
    call.declare(|operand| {
        let k = found.count;
        if k >= Call::MOST {
            return Err(COUNT);
        }
        let view = *operands.get(k).ok_or(COUNT)?;
        let Declared {
            access,
            elements,
            from,
            to,
        } = operand;
        if access != Access::Read {
            Places::writable(view)?;
            found.empty &= from == to;
        }
        let (addr, range) = places.declared(float, view, elements, [from, to])?;
        for (j, (other, other_access)) in ranges[..k].iter().enumerate() {
            let reads = access == Access::Read && *other_access == Access::Read;
            if reads || !range.overlaps(*other) {
                continue;
            }
            if access != Access::WriteOn(j) || range != *other {
                return Err(OVERLAP);
            }
        }
        ranges[k] = (range, access);
        found.at[k] = addr;
        found.count += 1;
        Ok(())
    })?;
    if found.count != operands.len() {
        return Err(COUNT);
    }
    Ok(found)
}
