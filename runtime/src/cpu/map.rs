//! `outputs = M(inputs)` over a grid: the loop over positions around [`evaluate`](super::lanes::evaluate).
//!
//! The grid is seen as rows along the innermost dimension, after merging outer dimensions into it where every operand's
//! strides allow that. A row is computed in packs of [`LANES`]; the remainder is a partial pack. Large grids are
//! divided between threads.

// Several arrays of one length are iterated together, for which an index is clearest.
#![allow(clippy::needless_range_loop)]

use std::marker::PhantomData;

use super::Cpu;
use super::lanes::{Src, evaluate, size_of_dtype, write};
use crate::device::{Addr, MapKernels, Operand};
use crate::isa::{Isa, Kernel, dispatch};
use crate::lanes::LANES;
use crate::{Float, MapBody, Pack};

/// Elements from which on a second thread pays.
const PARALLEL: usize = 32_768;
/// The maximum number of scalars of a call that reads them from memory.
pub(crate) const SCALARS: usize = 16;
/// Elements of a long row that a thread takes at a time.
const CHUNK: usize = 8_192;

/// Some of a map's units; see [`Grid`].
struct Units<'a, M, F, const R: usize, const I: usize, const O: usize> {
    grid: &'a Grid<R, I, O>,
    scalars: &'a [f64],
    from: usize,
    to: usize,
    body: PhantomData<(M, F)>,
}

/// A map's grid. Long rows are divided into `cuts` units each; otherwise a unit is a row.
#[derive(Clone, Copy)]
struct Grid<const R: usize, const I: usize, const O: usize> {
    shape: [usize; R],
    inputs: [Operand<R>; I],
    outputs: [Addr; O],
    row: usize,
    rows: usize,
    cuts: usize,
}

// SAFETY: the addresses are used under the kernels' contract; parts write disjoint elements.
unsafe impl<const R: usize, const I: usize, const O: usize> Sync for Grid<R, I, O> {}

impl<const R: usize, const I: usize, const O: usize> Grid<R, I, O> {
    #[cfg_attr(not(debug_assertions), inline(always))]
    fn new(mut shape: [usize; R], inputs: [Operand<R>; I], outputs: [Addr; O]) -> Self {
        let mut row = if R == 0 { 1 } else { shape[R - 1] };
        let mut rows = 1;
        let mut even = true;
        for d in (0..R.saturating_sub(1)).rev() {
            if shape[d] == 1 {
                continue;
            }
            for input in &inputs {
                even &= input.strides[d] == input.strides[R - 1].wrapping_mul(row);
            }
            if even {
                row *= shape[d];
                shape[d] = 1;
            } else {
                rows *= shape[d];
            }
        }
        Self {
            shape,
            inputs,
            outputs,
            row,
            rows,
            cuts: row.div_ceil(CHUNK),
        }
    }

    /// The operands at the first element of row `index`, and the row's position.
    #[cfg_attr(not(debug_assertions), inline(always))]
    fn row(&self, sizes: &[usize; I], index: usize) -> ([Src; I], [usize; R]) {
        let mut position = [0; R];
        if index > 0 {
            let mut rest = index;
            for d in (0..R.saturating_sub(1)).rev() {
                position[d] = rest % self.shape[d];
                rest /= self.shape[d];
            }
        }
        let mut sources = [Src::NOWHERE; I];
        for k in 0..I {
            sources[k] = Src::at(&self.inputs[k], sizes[k], position, R.saturating_sub(1));
        }
        (sources, position)
    }

    /// Moves on to the next row.
    #[cfg_attr(not(debug_assertions), inline(always))]
    fn next(&self, sizes: &[usize; I], sources: &mut [Src; I], position: &mut [usize; R]) {
        for d in (0..R.saturating_sub(1)).rev() {
            if self.shape[d] == 1 {
                continue;
            }
            position[d] += 1;
            let wrapped = position[d] == self.shape[d];
            let steps = if wrapped {
                1usize.wrapping_sub(self.shape[d])
            } else {
                1
            };
            for k in 0..I {
                sources[k].advance(steps.wrapping_mul(self.inputs[k].strides[d]), sizes[k]);
            }
            if !wrapped {
                return;
            }
            position[d] = 0;
        }
    }

    /// Computes units `from..to`, row by row. `sizes` are the bytes of the operands' elements.
    ///
    /// # Safety
    /// The kernels' contract, for all rows.
    #[cfg_attr(not(debug_assertions), inline(always))]
    unsafe fn spans(
        &self,
        sizes: &[usize; I],
        (from, to): (usize, usize),
        part: &(impl Row<I> + ?Sized),
    ) {
        let (mut sources, mut position) = self.row(sizes, from / self.cuts);
        if self.cuts == 1 {
            for row in from..to {
                // SAFETY: the whole row.
                unsafe { part.span(&sources, row * self.row, (0, self.row)) };
                self.next(sizes, &mut sources, &mut position);
            }
            return;
        }
        let mut unit = from;
        while unit < to {
            let row = unit / self.cuts;
            // The units of this row that this thread computes.
            let first = unit - row * self.cuts;
            let last = self.cuts.min(to - row * self.cuts);
            let end = self.row.min(last * CHUNK);
            // SAFETY: a part of the row.
            unsafe { part.span(&sources, row * self.row, (first * CHUNK, end)) };
            unit = row * self.cuts + last;
            self.next(sizes, &mut sources, &mut position);
        }
    }
}

impl<M: MapBody, F: Float, const R: usize, const I: usize, const O: usize>
    Units<'_, M, F, R, I, O>
{
    /// Elements `from..to` of a row whose first element is number `base` of the outputs.
    ///
    /// # Safety
    /// The kernels' contract, and `S`'s instructions.
    #[cfg_attr(not(debug_assertions), inline(always))]
    unsafe fn span<S: Isa>(&self, sources: &[Src; I], base: usize, from: usize, to: usize) {
        let (outputs, scalars) = (&self.grid.outputs, self.scalars);
        let zero = Pack::splat(0.0);
        let mut at = from;
        // SAFETY: `at + count <= to`, inside the row.
        unsafe {
            while at + LANES <= to {
                let values =
                    evaluate::<M, F, S, I, O, false, true>(sources, zero, at, LANES, scalars);
                write::<M, F, S, O>(&values, outputs, base + at, LANES);
                at += LANES;
            }
            if at < to {
                let values =
                    evaluate::<M, F, S, I, O, false, true>(sources, zero, at, to - at, scalars);
                write::<M, F, S, O>(&values, outputs, base + at, to - at);
            }
        }
    }
}

/// Computes a part of a row.
trait Row<const I: usize> {
    /// Elements `range` of a row with these operands; its first element is number `base` of the outputs.
    ///
    /// # Safety
    /// The kernels' contract; the range lies in the row.
    unsafe fn span(&self, sources: &[Src; I], base: usize, range: (usize, usize));
}

/// A map with the instructions `S`.
struct On<'a, U, S>(&'a U, PhantomData<S>);

impl<M: MapBody, F: Float, S: Isa, const R: usize, const I: usize, const O: usize> Row<I>
    for On<'_, Units<'_, M, F, R, I, O>, S>
{
    #[cfg_attr(not(debug_assertions), inline(always))]
    unsafe fn span(&self, sources: &[Src; I], base: usize, (from, to): (usize, usize)) {
        // SAFETY: the caller's; `Units::run` makes this for a processor with `S`'s instructions.
        unsafe { self.0.span::<S>(sources, base, from, to) }
    }
}

impl<M: MapBody, F: Float, const R: usize, const I: usize, const O: usize> Kernel
    for Units<'_, M, F, R, I, O>
{
    type Output = ();
    #[cfg_attr(not(debug_assertions), inline(always))]
    unsafe fn run<S: Isa>(self) {
        let mut sizes = [0; I];
        for k in 0..I {
            sizes[k] = size_of_dtype::<F>(M::INPUTS[k].ty);
        }
        let units = (self.from, self.to);
        let row: On<'_, Self, S> = On(&self, PhantomData);
        // Debug builds hold the loop once for all bodies.
        #[cfg(debug_assertions)]
        let row: &dyn Row<I> = &row;
        #[cfg(not(debug_assertions))]
        let row = &row;
        // SAFETY: the caller's.
        unsafe { self.grid.spans(&sizes, units, row) };
    }
}

impl<F: Float> MapKernels for Cpu<F> {
    #[inline]
    unsafe fn map<M: MapBody, const R: usize, const I: usize, const O: usize>(
        &self,
        shape: [usize; R],
        inputs: [Operand<R>; I],
        outputs: [Addr; O],
        scalars: &[f64],
    ) {
        let grid = Grid::new(shape, inputs, outputs);
        let total = grid.row * grid.rows;
        if total == 0 {
            return;
        }
        let units = grid.rows * grid.cuts;
        let parts = if total < PARALLEL {
            1
        } else {
            self.pool().size().min(units).min(total / (PARALLEL / 2))
        };
        let part = |p: usize| {
            let (from, to) = (units * p / parts, units * (p + 1) / parts);
            dispatch(Units::<M, F, R, I, O> {
                grid: &grid,
                scalars,
                from,
                to,
                body: PhantomData,
            });
        };
        if parts == 1 {
            part(0);
        } else {
            self.pool().run(parts, part);
        }
    }

    unsafe fn map_guarded<M: MapBody, const R: usize, const I: usize, const O: usize>(
        &self,
        shape: [usize; R],
        inputs: [Operand<R>; I],
        outputs: [Addr; O],
        (scalars, count): (Addr, usize),
    ) {
        let mut values = [0.0; SCALARS];
        let values = &mut values[..count.min(SCALARS)];
        for (k, to) in values.iter_mut().enumerate() {
            // SAFETY: the caller promises that there are this many floats.
            *to = unsafe { *scalars.cast::<F>().add(k) }.to_f64();
        }
        // SAFETY: the caller's promise.
        unsafe { self.map::<M, R, I, O>(shape, inputs, outputs, values) }
    }
}
