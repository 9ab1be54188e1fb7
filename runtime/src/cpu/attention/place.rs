//! The scores that a block computes.

use super::super::rows::read;
use crate::device::{Attention, Operand};
use crate::isa::Isa;
use crate::{Float, Pack};

/// The position of a block's scores.
#[derive(Clone, Copy)]
pub(super) struct Place<'a> {
    pub(super) g: &'a Attention,
    pub(super) masks: &'a [Operand<4>],
    /// Its head, counted over all samples.
    pub(super) unit: usize,
    /// Its first query and the number of queries.
    pub(super) queries: (usize, usize),
    /// Its first key and the number of keys.
    pub(super) keys: (usize, usize),
}

impl Place<'_> {
    /// The number of the block's keys that its query r sees.
    #[cfg_attr(not(debug_assertions), inline(always))]
    pub(super) fn seen(&self, r: usize) -> usize {
        let ((i, _), (j, keys)) = (self.queries, self.keys);
        match self.g.causal {
            true => (i + r + 1).saturating_sub(j).min(keys),
            false => keys,
        }
    }

    /// The start of each mask's row for query r, and its stride. There are two masks at most.
    #[cfg_attr(not(debug_assertions), inline(always))]
    fn masks<F>(&self, r: usize) -> impl Iterator<Item = (*const F, usize)> + Clone {
        let (heads, i, j) = (self.g.heads, self.queries.0 + r, self.keys.0);
        let index = [self.unit / heads, self.unit % heads, i, j];
        self.masks.iter().map(move |m| {
            let at: usize = m.strides.iter().zip(index).map(|(s, i)| s * i).sum();
            (
                m.addr.cast::<F>().cast_const().wrapping_add(at),
                m.strides[3],
            )
        })
    }

    /// `count` scores of query r from the block's key `at` on, scaled and masked.
    ///
    /// # Safety
    /// The scores and the masks may be read, and the processor has `S`'s instructions.
    #[cfg_attr(not(debug_assertions), inline(always))]
    pub(super) unsafe fn scores<F: Float, S: Isa>(
        &self,
        r: usize,
        z: *const F,
        at: usize,
        count: usize,
    ) -> Pack<F> {
        // SAFETY: the caller's.
        unsafe {
            let mut x = read::<F, S>(z.add(at), count) * Pack::splat(self.g.scale);
            for (mask, stride) in self.masks::<F>(r) {
                x = x + match stride {
                    0 => Pack::all(*mask),
                    _ => read::<F, S>(mask.add(at), count),
                };
            }
            x
        }
    }
}
