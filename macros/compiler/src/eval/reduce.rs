//! Reductions.

use super::Array;
use super::array::{flat, unflat};
use crate::ir::Reduce;
use netform_core::Combiner;

/// A reduction over dimensions; `partial` holds partial sums.
pub fn reduce(
    kind: Reduce,
    x: &Array,
    dims: &[usize],
    shape: &[usize],
    partial: impl Fn(f64) -> f64,
) -> Array {
    // A mean is a sum, divided at the end.
    let how = kind.combiner().unwrap_or(Combiner::Sum);
    let start = how.neutral();
    let mut out = Array::new(shape, |_| start);
    for (at, v) in x.data.iter().enumerate() {
        let index = unflat(&x.shape, at);
        let to: Vec<usize> = (0..index.len())
            .filter(|d| !dims.contains(d))
            .map(|d| index[d])
            .collect();
        let slot = &mut out.data[flat(shape, &to)];
        let next = how.combine(*slot, *v);
        // A result that equals one of the two operands is exact.
        *slot = match kind == Reduce::Mean || next == *slot || next == *v {
            true => next,
            false => partial(next),
        };
    }
    if kind == Reduce::Mean {
        let n: usize = dims.iter().map(|d| x.shape[*d]).product();
        out.data.iter_mut().for_each(|y| *y /= n as f64);
    }
    out
}
