//! Dropout of weights: each weight is multiplied by 0 or by the factor of kept weights, depending on its position
//! alone.

use super::KEYS;
use super::place::Place;
use crate::cpu::random::{SIDE, bound};
use crate::lanes::LANES;
use crate::philox::blocks;
use crate::{Float, Pack};

/// The factors of a block's keys for one query.
pub(super) struct Factors<F>([F; KEYS]);

impl<F: Float> Factors<F> {
    /// The factors for query r of the block; `None` without dropout.
    #[cfg_attr(not(debug_assertions), inline(always))]
    pub(super) fn of(place: &Place, r: usize) -> Option<Self> {
        let dropout = place.g.dropout?;
        let keep = 1.0 - dropout.p;
        let kept = F::from_f64(if keep > 0.0 { 1.0 / keep } else { 0.0 });
        // Words below the bound are kept. If everything is dropped, the factor is 0.
        let bound = bound(keep);
        let kept = if bound > 0 { kept } else { F::ZERO };
        let last = bound.saturating_sub(1) as u32;
        let mut all = [F::ZERO; KEYS];
        let row = place.unit * place.g.queries + place.queries.0 + r;
        let first = row * place.g.keys.div_ceil(4) + place.keys.0 / 4;
        for (k, chunk) in all[..place.keys.1.next_multiple_of(4)]
            .chunks_mut(4 * SIDE)
            .enumerate()
        {
            let words = blocks::<SIDE>(
                dropout.stream.counter(first + k * SIDE),
                dropout.stream.seed,
            );
            for (i, x) in chunk.iter_mut().enumerate() {
                *x = if words[i % 4][i / 4] <= last {
                    kept
                } else {
                    F::ZERO
                };
            }
        }
        Some(Self(all))
    }

    /// Multiplies the values of the keys from `at` on by their factors: 0 for those that are dropped.
    #[cfg_attr(not(debug_assertions), inline(always))]
    pub(super) fn apply(&self, at: usize, x: Pack<F>) -> Pack<F> {
        let mut factor = [F::ZERO; LANES];
        factor.copy_from_slice(&self.0[at..at + LANES]);
        let (factor, zero) = (Pack(factor), Pack::splat(0.0));
        factor.gt(zero).select(x * factor, zero)
    }
}
