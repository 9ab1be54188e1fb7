//! `outputs = M(A B, extra..)`: the split into parts and the epilogue; the table says how a part is computed.
//!
//! Large products are cut into blocks of C, by the sizes alone, so that results do not depend on
//! the number of threads. A block's epilogue runs right after its product, while it is in cache.

// Several arrays of one length are walked together: an index says it best.
#![allow(clippy::needless_range_loop)]

use std::marker::PhantomData;

use super::choose::choose;
use super::lanes::{Src, evaluate, size_of_dtype, write};
use super::matvec::Row;
use super::rows::{Shared, read};
use super::small::{Mn, Nk, fits_mn, fits_nk};
use super::way::Way;
use super::{Cpu, gemm, scratch};
use crate::device::{Addr, Operand, Product, ProductKernels};
use crate::isa::{Isa, Kernel, dispatch};
use crate::lanes::LANES;
use crate::size::{Sizes, Visitor};
use crate::{DType, Float, Identity, MapBody};

/// Multiplications from which on a second thread is worth it.
const PARALLEL: usize = 131_072;
/// Multiplications of a block.
const BLOCK: usize = 4_194_304;
/// Multiplications of a block of a single row: memory is its limit, so a second thread pays sooner.
const ROW_BLOCK: usize = 65_536;
/// Columns of one row that are handed out together.
const COLUMNS: usize = 128;

/// A product's arguments.
struct Call<'a, M, F, const I: usize, const O: usize> {
    size: Product,
    a: *const F,
    b: *const F,
    extra: [Operand<3>; I],
    outputs: [Addr; O],
    scalars: &'a [f64],
    body: PhantomData<M>,
}

// SAFETY: the addresses are used under the kernels' contract; parts write disjoint elements.
unsafe impl<M, F, const I: usize, const O: usize> Sync for Call<'_, M, F, I, O> {}

impl<M: MapBody, F: Float, const I: usize, const O: usize> Call<'_, M, F, I, O> {
    /// The epilogue's operands along row i of product g.
    #[cfg_attr(not(debug_assertions), inline(always))]
    fn extra(&self, g: usize, i: usize) -> [Src; I] {
        let mut sources = [Src::NOWHERE; I];
        for k in 0..I {
            let size = size_of_dtype::<F>(M::INPUTS[k + 1].ty);
            sources[k] = Src::at(&self.extra[k], size, [g, i, 0], 2);
        }
        sources
    }

    /// The distances of the epilogue's operands between rows.
    #[cfg_attr(not(debug_assertions), inline(always))]
    fn down(&self) -> [(usize, usize); I] {
        let mut down = [(0, 0); I];
        for k in 0..I {
            let size = size_of_dtype::<F>(M::INPUTS[k + 1].ty);
            down[k] = (self.extra[k].strides[1], size);
        }
        down
    }

    /// The outputs at row i of product g.
    #[cfg_attr(not(debug_assertions), inline(always))]
    fn outputs(&self, g: usize, i: usize) -> [Addr; O] {
        let first = (g * self.size.m + i) * self.size.n;
        let mut outputs = self.outputs;
        for k in 0..O {
            let size = size_of_dtype::<F>(M::OUTPUTS[k]);
            outputs[k] = outputs[k].wrapping_add(first * size);
        }
        outputs
    }

    fn a(&self, g: usize) -> *const F {
        self.a.wrapping_add(g * self.size.m * self.size.k)
    }

    fn b(&self, g: usize) -> *const F {
        self.b.wrapping_add(g * self.size.k * self.size.n)
    }

    /// Every row without the library.
    fn direct(&self, cpu: &Cpu<F>) {
        let Product { batch, m, n, k, .. } = self.size;
        let cuts = n.div_ceil(COLUMNS);
        let work = batch * m * n * (k + 1);
        // Memory is what limits these: a part pays from fewer multiplications than elsewhere.
        cpu.share(batch * m * cuts, work / 4, |from, to| {
            let mut unit = from;
            while unit < to {
                let (row, cut) = (unit / cuts, unit % cuts);
                let last = cuts.min(cut + to - unit);
                let (g, i) = (row / m, row % m);
                dispatch(Row::<M, F, I, O> {
                    size: self.size,
                    i,
                    from: cut * COLUMNS,
                    to: n.min(last * COLUMNS),
                    a: self.a(g),
                    b: self.b(g),
                    extra: self.extra(g, i),
                    outputs: self.outputs(g, i),
                    scalars: self.scalars,
                    body: PhantomData,
                });
                unit += last - cut;
            }
        });
    }

    /// The output that can hold C before the epilogue: a float that no operand lies in.
    fn holder(&self) -> Option<Addr> {
        let free = |k: &usize| {
            M::OUTPUTS[*k] == DType::Float && self.extra.iter().all(|e| e.addr != self.outputs[*k])
        };
        (0..O).find(free).map(|k| self.outputs[k])
    }

    /// All blocks by a way, C at `c` (batch, m, n).
    fn blocks(&self, cpu: &Cpu<F>, way: Way, c: *mut F) {
        let Product {
            batch,
            m,
            n,
            k,
            ta,
            tb,
        } = self.size;
        let (a_strides, b_strides) = (
            if ta { (1, m) } else { (k, 1) },
            if tb { (1, k) } else { (n, 1) },
        );
        // Cut the longer side; edges are multiples of what kernels compute at a time.
        let block = if m == 1 { ROW_BLOCK } else { BLOCK };
        let wanted = (m * n * k / block).clamp(1, 64);
        let (height, width) = if n > m {
            (m, n.div_ceil(wanted).next_multiple_of(64))
        } else {
            (m.div_ceil(wanted).next_multiple_of(48), n)
        };
        let (down, across) = (m.div_ceil(height), n.div_ceil(width));
        let parts = batch * down * across;
        let c = Shared(c);
        let part = |p: usize| {
            let (g, block) = (p / (down * across), p % (down * across));
            let (i, j) = (block / across * height, block % across * width);
            let (rows, columns) = (height.min(m - i), width.min(n - j));
            let c = c.get().wrapping_add((g * m + i) * n + j);
            // SAFETY: a block of C, the rows of A and the columns of B that it needs.
            unsafe {
                gemm::product_by(
                    way,
                    [rows, columns, k],
                    (
                        self.a(g).add(i * a_strides.0),
                        a_strides.0 as isize,
                        a_strides.1 as isize,
                    ),
                    (
                        self.b(g).add(j * b_strides.1),
                        b_strides.0 as isize,
                        b_strides.1 as isize,
                    ),
                    (c, n as isize),
                    false,
                );
            }
            if !(M::IDENTITY
                && O == 1
                && c.cast() == self.outputs(g, i)[0].wrapping_add(j * size_of::<F>()))
            {
                dispatch(Epilogue {
                    call: self,
                    g,
                    rows: (i, i + rows),
                    columns: (j, j + columns),
                    c,
                });
            }
        };
        if batch * m * n * k < PARALLEL {
            (0..parts).for_each(part);
        } else {
            cpu.pool().run(parts, part);
        }
    }

    fn run(&self, cpu: &Cpu<F>) {
        let Product { m, n, k, tb, .. } = self.size;
        self.by(cpu, choose::<F>(m, n, k, tb));
    }

    fn by(&self, cpu: &Cpu<F>, way: Way) {
        let Product { batch, m, n, .. } = self.size;
        if batch * m * n == 0 {
            return;
        }
        if way == Way::Rows {
            return self.direct(cpu);
        }
        if let Some(c) = self.holder() {
            return self.blocks(cpu, way, c.cast());
        }
        let bytes = batch * m * n * size_of::<F>();
        if scratch::with(bytes, |c| self.blocks(cpu, way, c.cast())).is_none() {
            // No memory for C: slower, and right.
            self.direct(cpu);
        }
    }
}

/// `C = A B` by a given way, in blocks and on the threads of `cpu`: what the table's benchmark times.
///
/// # Safety
/// The addresses hold matrices of these sizes; C overlaps neither A nor B.
#[doc(hidden)]
pub unsafe fn product_by<F: Float>(
    cpu: &Cpu<F>,
    way: Way,
    size: Product,
    [a, b]: [*const F; 2],
    c: *mut F,
) {
    Call::<Identity, F, 0, 1> {
        size,
        a,
        b,
        extra: [],
        outputs: [c.cast()],
        scalars: &[],
        body: PhantomData,
    }
    .by(cpu, way);
}

/// The way that the table has for `C = A B`.
#[doc(hidden)]
#[must_use]
pub fn way_of<F: Float>(size: Product) -> Way {
    choose::<F>(size.m, size.n, size.k, size.tb)
}

/// The body on a block of C.
struct Epilogue<'a, 'b, M, F, const I: usize, const O: usize> {
    call: &'a Call<'b, M, F, I, O>,
    g: usize,
    rows: (usize, usize),
    columns: (usize, usize),
    /// The block's first element; rows are n apart.
    c: *mut F,
}

impl<M: MapBody, F: Float, const I: usize, const O: usize> Kernel for Epilogue<'_, '_, M, F, I, O> {
    type Output = ();
    #[cfg_attr(not(debug_assertions), inline(always))]
    unsafe fn run<S: Isa>(self) {
        let call = self.call;
        let mut extra = call.extra(self.g, self.rows.0);
        let down = call.down();
        let mut c = self.c.cast_const();
        for i in self.rows.0..self.rows.1 {
            let outputs = call.outputs(self.g, i);
            let mut j = self.columns.0;
            // SAFETY: the kernels' contract; a pack of C is read before it is written.
            unsafe {
                while j < self.columns.1 {
                    let count = LANES.min(self.columns.1 - j);
                    let acc = read::<F, S>(c.add(j - self.columns.0), count);
                    let values =
                        evaluate::<M, F, S, I, O, true, true>(&extra, acc, j, count, call.scalars);
                    write::<M, F, S, O>(&values, &outputs, j, count);
                    j += count;
                }
            }
            for (src, (elements, size)) in extra.iter_mut().zip(down) {
                src.advance(elements, size);
            }
            c = c.wrapping_add(call.size.n);
        }
    }
}

impl<F: Float> ProductKernels for Cpu<F> {
    #[cfg_attr(not(debug_assertions), inline(always))]
    unsafe fn product<M: MapBody, S: Sizes, const I: usize, const O: usize>(
        &self,
        size: Product,
        a: Addr,
        b: Addr,
        extra: [Operand<3>; I],
        outputs: [Addr; O],
        scalars: &[f64],
    ) {
        let call = Call::<M, F, I, O> {
            size,
            a: a.cast(),
            b: b.cast(),
            extra,
            outputs,
            scalars,
            body: PhantomData,
        };
        S::visit(OnCpu { cpu: self, call });
    }
}

/// A product on this processor, by the sizes that are known.
struct OnCpu<'a, M, F, const I: usize, const O: usize> {
    cpu: &'a Cpu<F>,
    call: Call<'a, M, F, I, O>,
}

impl<M: MapBody, F: Float, const I: usize, const O: usize> Visitor for OnCpu<'_, M, F, I, O> {
    // Out of line: it is compiled once for each body.
    #[inline(never)]
    fn any(self) {
        self.call.run(self.cpu);
    }

    #[cfg_attr(not(debug_assertions), inline(always))]
    fn nk<const N: usize, const K: usize>(self) {
        if const { !fits_nk::<F>(N, K) } {
            return self.any();
        }
        let call = self.call;
        let down = call.down();
        for g in 0..call.size.batch {
            dispatch(Nk::<M, F, N, K, I, O> {
                size: call.size,
                a: call.a(g),
                b: call.b(g),
                extra: call.extra(g, 0),
                down,
                outputs: call.outputs(g, 0),
                scalars: call.scalars,
                body: PhantomData,
            });
        }
    }

    #[cfg_attr(not(debug_assertions), inline(always))]
    fn mn<const MM: usize, const N: usize>(self) {
        if const { !fits_mn(N) } {
            return self.any();
        }
        let call = self.call;
        let down = call.down();
        for g in 0..call.size.batch {
            dispatch(Mn::<M, F, MM, N, I, O> {
                size: call.size,
                a: call.a(g),
                b: call.b(g),
                extra: call.extra(g, 0),
                down,
                outputs: call.outputs(g, 0),
                scalars: call.scalars,
                body: PhantomData,
            });
        }
    }
}
