//! Reductions.

use super::Array;
use super::array::{flat, unflat};
use crate::ir::Reduce;

/// A reduction over dimensions; `partial` holds partial sums.
pub fn reduce(
    kind: Reduce,
    x: &Array,
    dims: &[usize],
    shape: &[usize],
    partial: impl Fn(f64) -> f64,
) -> Array {
    let start = match kind {
        Reduce::Sum | Reduce::Mean => 0.0,
        Reduce::Max => f64::NEG_INFINITY,
        Reduce::Min => f64::INFINITY,
    };
    let mut out = Array::new(shape, |_| start);
    for (at, v) in x.data.iter().enumerate() {
        let index = unflat(&x.shape, at);
        let to: Vec<usize> = (0..index.len())
            .filter(|d| !dims.contains(d))
            .map(|d| index[d])
            .collect();
        let slot = &mut out.data[flat(shape, &to)];
        *slot = match kind {
            Reduce::Sum => partial(*slot + v),
            Reduce::Mean => *slot + v,
            Reduce::Max if slot.is_nan() || *slot > *v => *slot,
            Reduce::Min if slot.is_nan() || *slot < *v => *slot,
            _ => *v,
        };
    }
    if kind == Reduce::Mean {
        let n: usize = dims.iter().map(|d| x.shape[*d]).product();
        out.data.iter_mut().for_each(|y| *y /= n as f64);
    }
    out
}
