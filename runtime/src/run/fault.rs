//! The first error of a run: a call that was refused, or one that found an error in its data.

use super::Run;
use super::place::product;
use super::refusal::{Checked, Refusal};
use crate::device::{Call, Exact, Found, What};
use crate::{Device, Error, OutOfRange, Overflow, Reads};

impl<D: Device> Run<'_, D> {
    /// Runs a call's checks and kernel.
    #[cfg_attr(not(debug_assertions), inline(always))]
    pub(super) fn guard(&self, call: &'static str, f: impl FnOnce() -> Checked<()>) {
        if let Err(why) = f() {
            self.refuse(call, why);
        }
    }

    /// Records a refusal.
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
        // Later errors mostly follow from the first.
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

    /// Records an error that a call found.
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

    /// Records a result of integers that does not fit.
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

/// The number of elements of the operand in which a call finds errors: its indices, or its result.
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

/// Element `at` of `len` as a position in an array of this shape, or in a flat array if the shape has another size.
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
