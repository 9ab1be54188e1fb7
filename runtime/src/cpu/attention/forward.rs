//! Forward: a unit is a block of a head's queries, and goes through the keys from the first to the
//! last, with a running maximum and sum.

use super::super::rows::Shared;
use super::place::Place;
use super::product::Product;
use super::weights::{Finish, Weigh};
use super::{Masks, QUERIES, Rows, each, with_blocks};
use crate::device::{Attention, Operand};
use crate::isa::dispatch;
use crate::{Cpu, Float};

/// `out` and `lse`: for each head the logarithms of all queries' sums, then their largest scores.
///
/// # Safety
/// The kernels' contract.
pub(crate) unsafe fn forward<F: Float>(
    cpu: &Cpu<F>,
    g: Attention,
    inputs: [*mut F; 3],
    masks: &[Operand<4>],
    outputs: [*mut F; 2],
) {
    let blocks = g.queries.div_ceil(QUERIES);
    let ([q, k, v], [out, lse]) = (inputs.map(Shared), outputs.map(Shared));
    let masks = Masks(masks);
    each(cpu, &g, g.units() * blocks, |part| {
        let (unit, first) = (part / blocks, part % blocks * QUERIES);
        let head = Head {
            g: &g,
            masks: masks.all(),
            unit,
            q: Rows::of(q.get(), &g, [g.queries, g.width], unit),
            k: Rows::of(k.get(), &g, [g.keys, g.width], unit),
            v: Rows::of(v.get(), &g, [g.keys, g.value_width], unit),
            out: Rows::of(out.get(), &g, [g.queries, g.value_width], unit),
            lse: lse.get().wrapping_add(2 * unit * g.queries),
        };
        // SAFETY: the head's operands, and the block of its results, which is this part's alone.
        unsafe { head.block(first, g.queries.min(first + QUERIES)) };
    });
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
    lse: *mut F,
}

impl<F: Float> Head<'_, F> {
    /// Queries from..to, at most `QUERIES`.
    ///
    /// # Safety
    /// The kernels' contract.
    unsafe fn block(&self, from: usize, to: usize) {
        if self.g.keys == 0 {
            // SAFETY: the rows of the results.
            unsafe {
                self.out.from(from).clear(to - from, self.g.value_width);
                (from..to).for_each(|i| {
                    *self.lse.add(i) = -F::INFINITY;
                    *self.lse.add(self.g.queries + i) = F::ZERO;
                });
            }
            return;
        }
        with_blocks(|size, [z]| {
            for i in (from..to).step_by(size.queries) {
                // SAFETY: the caller's; the block has room.
                unsafe { self.rows(i, to.min(i + size.queries), size.keys, z) };
            }
        });
    }

    /// Queries from..to with blocks of `step` keys, whose scores have room at `z`.
    ///
    /// # Safety
    /// As above.
    unsafe fn rows(&self, from: usize, to: usize, step: usize, z: *mut F) {
        let (g, rows) = (self.g, to - from);
        let (mut max, mut sum) = ([-F::INFINITY; QUERIES], [0.0; QUERIES]);
        let (max, sum) = (&mut max[..rows], &mut sum[..rows]);
        let (q, out) = (self.q.from(from), self.out.from(from));
        let z = Rows { first: z, step };
        let seen = g.seen(to);
        for j in (0..seen).step_by(step) {
            let keys = step.min(seen - j);
            let place = Place {
                g,
                masks: self.masks,
                unit: self.unit,
                queries: (from, rows),
                keys: (j, keys),
            };
            // SAFETY: rows of the head and of the block.
            unsafe {
                Product {
                    m: rows,
                    n: keys,
                    k: g.width,
                    a: q,
                    ta: false,
                    b: self.k.from(j),
                    tb: true,
                    c: z,
                    add: false,
                }
                .run();
                dispatch(Weigh {
                    place,
                    z,
                    max,
                    sum,
                    out,
                });
                Product {
                    m: rows,
                    n: g.value_width,
                    k: keys,
                    a: z,
                    ta: false,
                    b: self.v.from(j),
                    tb: false,
                    c: out,
                    add: j > 0,
                }
                .run();
            }
        }
        let (width, lse) = (g.value_width, self.lse.wrapping_add(from));
        dispatch(Finish {
            width,
            max,
            sum,
            out,
            log: lse,
            top: lse.wrapping_add(g.queries),
        });
    }
}
