//! The first fault of a run: a call that was refused, or one that found a fault in its data.

use super::Run;
use super::operand::product;
use crate::device::{Call, Exact, Found, What};
use crate::{Device, Error, OutOfRange, Overflow, Reads};

/// Why a call was refused.
#[derive(Clone, Copy)]
pub(super) enum Refusal {
    /// A rule of plans is broken.
    Broken(&'static str),
    /// A position is beyond those of any memory: the sizes are too large.
    Positions,
}

/// A check's result.
pub(super) type Checked<T> = std::result::Result<T, Refusal>;

pub(super) const OUTSIDE: Refusal = Refusal::Broken("an operand reaches outside its view");
pub(super) const OVERLAP: Refusal = Refusal::Broken("an output overlaps another operand");
pub(super) const TYPE: Refusal = Refusal::Broken("an operand has another type than its kernel");
pub(super) const UNALIGNED: Refusal = Refusal::Broken("an operand is not aligned");
pub(super) const COUNT: Refusal =
    Refusal::Broken("a call has another number of operands than its kernel");

impl<D: Device> Run<'_, D> {
    /// Runs a call's checks and kernel.
    #[inline(always)]
    pub(super) fn guard(&self, call: &'static str, f: impl FnOnce() -> Checked<()>) {
        if let Err(why) = f() {
            self.refuse(call, why);
        }
    }

    /// Notes a refusal.
    #[cold]
    #[inline(never)]
    pub(super) fn refuse(&self, call: &'static str, why: Refusal) {
        let why = match why {
            Refusal::Positions => {
                let what = Reads {
                    index: "a position",
                    ..Reads::default()
                };
                return self.overflow(what, None);
            }
            Refusal::Broken(why) => why,
        };
        let what = format!("{call}: {why}");
        // Later faults follow from the first more often than not.
        let _ = self.fault.set(Error::Internal {
            function: self.function,
            what,
        });
    }

    /// A call, for messages.
    pub(super) fn what(&self, reads: Reads<'_>) -> What {
        What {
            function: self.function,
            index: reads.index,
            site: reads.site,
        }
    }

    /// Notes what a call found.
    #[cold]
    #[inline(never)]
    pub(super) fn found(&self, call: &Call<'_>, reads: Reads<'_>, found: Found) {
        let position = unravel(found.at, faulty(call), reads.shape);
        match call.limit() {
            None => self.overflow(reads, Some((found.value, position))),
            Some(limit) => {
                let value = match found.value {
                    Exact::Int(value) => value as i64,
                    Exact::Float(value) => value as i64,
                };
                let _ = self.fault.set(Error::IndexOutOfRange {
                    function: self.function,
                    site: reads.site,
                    index: reads.index,
                    limit,
                    found: Some(OutOfRange { value, position }),
                });
            }
        }
    }

    /// Notes a result of integers that does not fit.
    #[cold]
    pub(super) fn overflow(&self, what: Reads<'_>, found: Option<(Exact, Vec<usize>)>) {
        let _ = self.fault.set(Error::IntegerOverflow {
            function: self.function,
            site: what.site,
            what: what.index,
            found: found.map(|(value, position)| Box::new(Overflow { value, position })),
        });
    }
}

/// The number of elements of the operand in which a call finds faults: its indices, or its result.
fn faulty(call: &Call<'_>) -> usize {
    let which = if call.limit().is_some() { 1 } else { 2 };
    let (mut k, mut len) = (0, 0);
    let _ = call.declare(|operand| {
        if k == which {
            len = operand.to;
        }
        k += 1;
        Ok::<(), ()>(())
    });
    len
}

/// Element `at` of `len` as a place in an array of this shape; in a flat one if the shape is another's.
pub(crate) fn unravel(at: usize, len: usize, shape: &[usize]) -> Vec<usize> {
    if product(shape) != Some(len) {
        return vec![at];
    }
    let mut place = vec![0; shape.len()];
    let mut rest = at;
    for (to, size) in place.iter_mut().zip(shape).rev() {
        (*to, rest) = (rest % size, rest / size);
    }
    place
}
