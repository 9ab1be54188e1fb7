//! Backward: a unit is some blocks of a head's keys. For each block it goes through the queries and computes the
//! weights again. The gradients of keys and values belong to one unit, those of queries are sums over units: if a head
//! has several units, each writes its own partial sum, and partial sums are added in order.

use super::super::rows::Shared;
use super::super::scratch;
use super::place::Place;
use super::product::Product;
use super::weights::Slope;
use super::{KEYS, Masks, PARALLEL, Rows, Size, each, with_blocks};
use crate::device::{Attention, Operand};
use crate::isa::dispatch;
use crate::{Cpu, Float};

/// Enough units for any number of threads.
const UNITS: usize = 16;

/// The gradients of q, k and v; `saved` is (out, lse, dout).
///
/// # Safety
/// The kernels' contract.
pub(crate) unsafe fn backward<F: Float>(
    cpu: &Cpu<F>,
    g: Attention,
    inputs: [*mut F; 3],
    masks: &[Operand<4>],
    saved: [*mut F; 3],
    outputs: [*mut F; 3],
) {
    let all = Arrays {
        masks: Masks(masks),
        inputs: inputs.map(Shared),
        saved: saved.map(Shared),
        outputs: outputs.map(Shared),
    };
    let mut chunks = 1;
    if g.work() >= PARALLEL {
        chunks = UNITS.div_ceil(g.units()).min(g.keys.div_ceil(KEYS));
    }
    let part = g.queries * g.width;
    if chunks > 1 {
        let done = scratch::with(g.units() * chunks * part * size_of::<F>(), |parts| {
            let parts = Shared(parts.cast::<F>());
            each(cpu, &g, g.units() * chunks, |at| {
                let dq = Rows {
                    first: parts.get().wrapping_add(at * part),
                    step: g.width,
                };
                // SAFETY: the head's operands; keys and a part that are this unit's alone.
                unsafe { all.head(&g, at / chunks, dq).keys(at % chunks, chunks) };
            });
            each(cpu, &g, g.units(), |unit| {
                let dq = all.dq(&g, unit);
                let first = parts.get().wrapping_add(unit * chunks * part);
                // SAFETY: the head's parts and its rows.
                unsafe { add(&g, first, chunks, dq) };
            });
        });
        if done.is_some() {
            return;
        }
    }
    each(cpu, &g, g.units(), |unit| {
        // SAFETY: the head's operands and results.
        unsafe { all.head(&g, unit, all.dq(&g, unit)).keys(0, 1) };
    });
}

/// dq is the sum of parts (chunks, queries, width).
///
/// # Safety
/// The kernels' contract.
unsafe fn add<F: Float>(g: &Attention, parts: *const F, chunks: usize, dq: Rows<F>) {
    for i in 0..g.queries {
        for e in 0..g.width {
            let at = |c: usize| parts.wrapping_add((c * g.queries + i) * g.width + e);
            // SAFETY: the caller's.
            unsafe {
                let mut sum = *at(0);
                (1..chunks).for_each(|c| sum += *at(c));
                *dq.row(i).add(e) = sum;
            }
        }
    }
}

/// The arrays that all units share.
struct Arrays<'a, F> {
    masks: Masks<'a>,
    inputs: [Shared<F>; 3],
    saved: [Shared<F>; 3],
    outputs: [Shared<F>; 3],
}

impl<F: Float> Arrays<'_, F> {
    fn dq(&self, g: &Attention, unit: usize) -> Rows<F> {
        Rows::of(self.outputs[0].get(), g, [g.queries, g.width], unit)
    }

    fn head<'a>(&'a self, g: &'a Attention, unit: usize, dq: Rows<F>) -> Head<'a, F> {
        let (queries, keys) = ([g.queries, g.width], [g.keys, g.width]);
        let (results, values) = ([g.queries, g.value_width], [g.keys, g.value_width]);
        let rows = |x: &Shared<F>, size| Rows::of(x.get(), g, size, unit);
        Head {
            g,
            masks: self.masks.all(),
            unit,
            q: rows(&self.inputs[0], queries),
            k: rows(&self.inputs[1], keys),
            v: rows(&self.inputs[2], values),
            out: rows(&self.saved[0], results),
            lse: self.saved[1].get().wrapping_add(2 * unit * g.queries),
            dout: rows(&self.saved[2], results),
            dq,
            dk: rows(&self.outputs[1], keys),
            dv: rows(&self.outputs[2], values),
        }
    }
}

/// One head's arrays.
struct Head<'a, F> {
    g: &'a Attention,
    masks: &'a [Operand<4>],
    unit: usize,
    q: Rows<F>,
    k: Rows<F>,
    v: Rows<F>,
    out: Rows<F>,
    lse: *const F,
    dout: Rows<F>,
    dq: Rows<F>,
    dk: Rows<F>,
    dv: Rows<F>,
}

impl<F: Float> Head<'_, F> {
    /// The keys' blocks that are number `chunk` of `chunks`. dq starts at 0.
    ///
    /// # Safety
    /// The kernels' contract.
    unsafe fn keys(&self, chunk: usize, chunks: usize) {
        let g = self.g;
        // SAFETY: the head's rows.
        unsafe { self.dq.clear(g.queries, g.width) };
        let blocks = g.keys.div_ceil(KEYS);
        let (from, to) = (blocks * chunk / chunks, blocks * (chunk + 1) / chunks);
        let (from, to) = (from * KEYS, g.keys.min(to * KEYS));
        with_blocks(|size, [z, dz]| {
            for j in (from..to).step_by(size.keys) {
                // SAFETY: the caller's; the blocks have room.
                unsafe { self.block(j, to.min(j + size.keys), size, [z, dz]) };
            }
        });
    }

    /// Keys from..to with all queries that see one of them.
    ///
    /// # Safety
    /// As above.
    unsafe fn block(&self, from: usize, to: usize, size: Size, z: [*mut F; 2]) {
        let g = self.g;
        let first = if g.causal { from } else { 0 };
        if first >= g.queries {
            // SAFETY: the head's rows.
            unsafe {
                self.dk.from(from).clear(to - from, g.width);
                self.dv.from(from).clear(to - from, g.value_width);
            }
            return;
        }
        for i in (first..g.queries).step_by(size.queries) {
            let end = g.queries.min(i + size.queries);
            // Keys that none of the first queries sees get their zeros here.
            let to = if i == first { to } else { to.min(g.seen(end)) };
            // SAFETY: the caller's.
            unsafe { self.pair((i, end - i), (from, to - from), size, z, i == first) };
        }
    }

    /// Some queries with some keys, each as its first and its number. `new`: these are the first queries for the keys.
    ///
    /// # Safety
    /// As above.
    unsafe fn pair(
        &self,
        queries: (usize, usize),
        keys: (usize, usize),
        size: Size,
        z: [*mut F; 2],
        new: bool,
    ) {
        let (g, (i, rows), (j, columns)) = (self.g, queries, keys);
        let [z, dz] = z.map(|first| Rows {
            first,
            step: size.keys,
        });
        let (out, dout, q) = (self.out.from(i), self.dout.from(i), self.q.from(i));
        let scores = |a, k, b: Rows<F>, c| Product {
            m: rows,
            n: columns,
            k,
            a,
            ta: false,
            b: b.from(j),
            tb: true,
            c,
            add: false,
        };
        let back = |a, b, n, c: Rows<F>| Product {
            m: columns,
            n,
            k: rows,
            a,
            ta: true,
            b,
            tb: false,
            c: c.from(j),
            add: !new,
        };
        // SAFETY: rows of the head and of the blocks.
        unsafe {
            scores(q, g.width, self.k, z).run();
            scores(dout, g.value_width, self.v, dz).run();
            dispatch(Slope {
                place: Place {
                    g,
                    masks: self.masks,
                    unit: self.unit,
                    queries,
                    keys,
                },
                z,
                dz,
                out,
                dout,
                log: self.lse.wrapping_add(i),
                top: self.lse.wrapping_add(g.queries + i),
            });
            back(z, dout, g.value_width, self.dv).run();
            back(dz, q, g.width, self.dk).run();
            Product {
                m: rows,
                n: g.width,
                k: columns,
                a: dz,
                ta: false,
                b: self.k.from(j),
                tb: false,
                c: self.dq.from(i),
                add: true,
            }
            .run();
        }
    }
}
