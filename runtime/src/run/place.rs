//! The places of operands: takes views and gives addresses that lie in their buffers.

use super::refusal::{Checked, OUTSIDE, Refusal, TYPE, UNALIGNED};
use crate::device::Addr;
use crate::{DType, Device, Space, Stored, View};
use netform_core::Elements;

/// A buffer of the run.
#[derive(Clone, Copy)]
pub(super) struct Region {
    pub(super) addr: Addr,
    pub(super) bytes: usize,
}

impl Region {
    pub(super) fn of<D: Device>(buffer: &D::Buffer) -> Self {
        Self {
            addr: D::addr(buffer),
            bytes: D::size(buffer),
        }
    }
}

/// The address range of one operand: the first byte, and the one after the last.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(super) struct Range {
    pub(super) from: usize,
    pub(super) to: usize,
}

impl Range {
    /// The range of an operand that is not in memory.
    pub(super) const NONE: Range = Range { from: 0, to: 0 };

    #[cfg_attr(not(debug_assertions), inline(always))]
    pub(super) fn overlaps(self, other: Self) -> bool {
        self.from < other.to && other.from < self.to
    }
}

/// The buffers of a run.
#[derive(Clone, Copy)]
pub(super) struct Places {
    pub(super) params: Region,
    pub(super) grads: Option<Region>,
    pub(super) arena: Region,
    pub(super) state: Option<Region>,
}

impl Places {
    /// The address of a view that lies in its buffer.
    #[cfg_attr(not(debug_assertions), inline(always))]
    pub(super) fn resolve(&self, float: usize, view: View) -> Checked<Addr> {
        let size = view.dtype.size(float);
        let region = match view.space {
            Space::Param => self.params,
            Space::Grad => self
                .grads
                .ok_or(Refusal::Broken("gradients are used in a run without them"))?,
            Space::Arena => self.arena,
            Space::State => self
                .state
                .ok_or(Refusal::Broken("nothing is kept in this run"))?,
            Space::Nowhere => return Err(Refusal::Broken("an operand in memory has no buffer")),
        };
        let first = view.offset;
        let last = view
            .len
            .checked_mul(size)
            .and_then(|len| first.checked_add(len));
        match last {
            Some(last) if last <= region.bytes => {
                if !first.is_multiple_of(size) {
                    return Err(UNALIGNED);
                }
                Ok(region.addr.wrapping_add(first))
            }
            _ => Err(Refusal::Broken("a view reaches outside its buffer")),
        }
    }

    /// The elements `from..to` of a view that is read.
    #[cfg_attr(not(debug_assertions), inline(always))]
    pub(super) fn elements(
        &self,
        float: usize,
        view: View,
        dtype: DType,
        [from, to]: [usize; 2],
    ) -> Checked<(Addr, Range)> {
        if view.dtype != dtype {
            return Err(TYPE);
        }
        if to > view.len || from > to {
            return Err(OUTSIDE);
        }
        // `to <= view.len`, for which the number of bytes was checked.
        let size = dtype.size(float);
        let addr = self.resolve(float, view)?.wrapping_add(from * size);
        let first = addr as usize;
        Ok((
            addr,
            Range {
                from: first,
                to: first + (to - from) * size,
            },
        ))
    }

    /// The same for elements of the type that a call declares.
    #[cfg_attr(not(debug_assertions), inline(always))]
    pub(super) fn declared(
        &self,
        float: usize,
        view: View,
        elements: Elements,
        reach: [usize; 2],
    ) -> Checked<(Addr, Range)> {
        match elements {
            Elements::Values(dtype) => self.elements(float, view, dtype, reach),
            Elements::Stored(stored) if view.dtype.stored(float) == stored => {
                self.elements(float, view, view.dtype, reach)
            }
            Elements::Stored(stored) => self.in_bytes(float, view, stored, reach),
        }
    }

    /// The stored elements `from..to` in a view of bytes.
    fn in_bytes(
        &self,
        float: usize,
        view: View,
        stored: Stored,
        reach: [usize; 2],
    ) -> Checked<(Addr, Range)> {
        let size = stored.size();
        // A number that overflows is outside of every view.
        let reach = reach.map(|n| n.saturating_mul(size));
        let (addr, range) = self.elements(float, view, DType::Bool, reach)?;
        match range.from.is_multiple_of(size) {
            true => Ok((addr, range)),
            false => Err(UNALIGNED),
        }
    }

    /// Refuses read-only views.
    #[cfg_attr(not(debug_assertions), inline(always))]
    pub(super) fn writable(view: View) -> Checked<()> {
        match view.space {
            Space::Param => Err(Refusal::Broken("parameters are only read in a run")),
            _ => Ok(()),
        }
    }
}

/// The number of elements, if it does not overflow.
#[cfg_attr(not(debug_assertions), inline(always))]
pub(super) fn product(shape: &[usize]) -> Option<usize> {
    let mut total = 1usize;
    for &d in shape {
        if d == 0 {
            return Some(0);
        }
        total = total.saturating_mul(d);
    }
    // Kernels compute with bytes and signed offsets.
    (total <= isize::MAX as usize / 8).then_some(total)
}
