//! Checks the operands of maps, reductions, products and copies.

// Several arrays of one length are iterated together, for which an index is clearest.
#![allow(clippy::needless_range_loop)]

use super::Run;
use super::place::{Places, Range};
use super::refusal::{Checked, OUTSIDE, OVERLAP, Refusal, TYPE};
use crate::device::{self, Addr};
use crate::{DType, Device, In, Inner, Operand, View, Window};
use netform_core::number::POSITIONS;

impl<D: Device> Run<'_, D> {
    /// Bytes of an element.
    #[cfg_attr(not(debug_assertions), inline(always))]
    pub(super) fn size(dtype: DType) -> usize {
        dtype.size(size_of::<D::Float>())
    }

    /// The address of a view that lies in its buffer.
    #[cfg_attr(not(debug_assertions), inline(always))]
    pub(super) fn resolve(&self, view: View) -> Checked<Addr> {
        self.places.resolve(size_of::<D::Float>(), view)
    }

    /// A whole contiguous operand of `len` elements that is read.
    #[cfg_attr(not(debug_assertions), inline(always))]
    pub(super) fn whole(
        &self,
        view: View,
        dtype: DType,
        len: Option<usize>,
    ) -> Checked<(Addr, Range)> {
        let len = len.ok_or(OUTSIDE)?;
        let float = size_of::<D::Float>();
        self.places.elements(float, view, dtype, [0, len])
    }

    /// A whole contiguous operand of `len` elements that is written.
    #[cfg_attr(not(debug_assertions), inline(always))]
    pub(super) fn written(
        &self,
        view: View,
        dtype: DType,
        len: Option<usize>,
    ) -> Checked<(Addr, Range)> {
        Places::writable(view)?;
        self.whole(view, dtype, len)
    }

    /// A strided operand, and its address range.
    #[cfg_attr(not(debug_assertions), inline(always))]
    pub(super) fn operand<const R: usize>(
        &self,
        shape: &[usize; R],
        input: &In<R>,
        declared: &Operand,
        fixed: bool,
    ) -> Checked<(device::Operand<R>, Range)> {
        let mut strides = input.strides;
        if fixed && R > 0 {
            // Bodies are compiled for the stride that they declare.
            let stride = match declared.inner {
                Inner::Zero => 0,
                Inner::One => 1,
                Inner::Many => strides[R - 1],
            };
            if strides[R - 1] != stride && shape[R - 1] > 1 {
                return Err(Refusal::Broken(
                    "an operand has another inner stride than its kernel",
                ));
            }
            strides[R - 1] = stride;
        }
        if declared.iota {
            let reach = (0..R).map(|d| strides[d].saturating_mul(shape[d] - 1));
            let last = reach.fold(input.start, usize::saturating_add);
            if last as u64 >= POSITIONS.cast_unsigned() {
                return Err(Refusal::Positions);
            }
            let operand = device::Operand {
                addr: std::ptr::null_mut(),
                start: input.start,
                strides,
            };
            return Ok((operand, Range::NONE));
        }
        if input.view.dtype != declared.ty {
            return Err(TYPE);
        }
        let mut last = input.start;
        for d in 0..R {
            // Shapes are not empty here. Saturated sums are outside of every view.
            last = last.saturating_add(strides[d].saturating_mul(shape[d] - 1));
        }
        if last >= input.view.len {
            return Err(OUTSIDE);
        }
        let size = Self::size(declared.ty);
        let addr = self.resolve(input.view)?.wrapping_add(input.start * size);
        let from = addr as usize;
        Ok((
            device::Operand {
                addr,
                start: 0,
                strides,
            },
            Range {
                from,
                to: from + (last - input.start + 1) * size,
            },
        ))
    }

    /// Refuses outputs that overlap each other or an input that is not the output itself.
    #[cfg_attr(not(debug_assertions), inline(always))]
    pub(super) fn apart<const R: usize, const I: usize, const O: usize>(
        shape: &[usize; R],
        inputs: (&[device::Operand<R>; I], &[Range; I]),
        outputs: &[Range; O],
    ) -> Checked<()> {
        for k in 0..O {
            let output = outputs[k];
            for i in 0..I {
                let input = inputs.1[i];
                if output.overlaps(input)
                    && !(output == input && contiguous(shape, &inputs.0[i].strides))
                {
                    return Err(OVERLAP);
                }
            }
            for other in k + 1..O {
                if output.overlaps(outputs[other]) {
                    return Err(OVERLAP);
                }
            }
        }
        Ok(())
    }

    /// The operands of a body, and their address ranges: `declared` are its inputs in memory.
    #[cfg_attr(not(debug_assertions), inline(always))]
    pub(super) fn operands<const R: usize, const I: usize>(
        &self,
        shape: &[usize; R],
        inputs: &[In<R>; I],
        declared: &[Operand],
        fixed: bool,
    ) -> Checked<([device::Operand<R>; I], [Range; I])> {
        let nothing = device::Operand {
            addr: std::ptr::null_mut(),
            start: 0,
            strides: [0; R],
        };
        let (mut operands, mut ranges) = ([nothing; I], [Range::NONE; I]);
        for k in 0..I {
            (operands[k], ranges[k]) = self.operand(shape, &inputs[k], &declared[k], fixed)?;
        }
        Ok((operands, ranges))
    }

    /// The outputs of a body, and their address ranges.
    #[cfg_attr(not(debug_assertions), inline(always))]
    pub(super) fn outputs<const O: usize>(
        &self,
        outputs: &[View; O],
        declared: &[DType],
        len: usize,
    ) -> Checked<([Addr; O], [Range; O])> {
        let (mut addrs, mut ranges) = ([std::ptr::null_mut(); O], [Range::NONE; O]);
        for k in 0..O {
            (addrs[k], ranges[k]) = self.written(outputs[k], declared[k], Some(len))?;
        }
        Ok((addrs, ranges))
    }

    /// A window's first address and its address range.
    #[cfg_attr(not(debug_assertions), inline(always))]
    pub(super) fn window<const R: usize>(
        &self,
        shape: &[usize; R],
        window: &Window<R>,
    ) -> Checked<(Addr, Range)> {
        let (mut low, mut high) = (window.start, window.start);
        for d in 0..R {
            let reach = window.strides[d]
                .unsigned_abs()
                .saturating_mul(shape[d] - 1);
            if window.strides[d] < 0 {
                low = low.checked_sub(reach).ok_or(OUTSIDE)?;
            } else {
                high = high.saturating_add(reach);
            }
        }
        if high >= window.view.len {
            return Err(OUTSIDE);
        }
        let size = Self::size(window.view.dtype);
        let first = self.resolve(window.view)?;
        let range = Range {
            from: first as usize + low * size,
            to: first as usize + (high + 1) * size,
        };
        Ok((first.wrapping_add(window.start * size), range))
    }
}

/// Whether strides are those of a contiguous block.
#[cfg_attr(not(debug_assertions), inline(always))]
fn contiguous<const R: usize>(shape: &[usize; R], strides: &[usize; R]) -> bool {
    let mut next = 1;
    for d in (0..R).rev() {
        if shape[d] > 1 {
            if strides[d] != next {
                return false;
            }
            next *= shape[d];
        }
    }
    true
}
