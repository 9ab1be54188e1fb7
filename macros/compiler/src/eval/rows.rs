//! Functions of the rows along a dimension.

use super::Array;
use netform_core::Combiner;

/// Applies `f` to each row along `dim`. The result's rows go to the same places of `shape`, in which `dim` has their
/// length, or is missing if they are single.
pub fn along(x: &Array, dim: usize, shape: &[usize], f: impl Fn(&[f64]) -> Vec<f64>) -> Array {
    let mut out = Array::new(shape, |_| 0.0);
    let (n, inner): (usize, usize) = (x.shape[dim], x.shape[dim + 1..].iter().product());
    let outer: usize = x.shape[..dim].iter().product();
    for o in 0..outer {
        for i in 0..inner {
            let row: Vec<f64> = (0..n).map(|j| x.data[(o * n + j) * inner + i]).collect();
            let result = f(&row);
            let m = if shape.len() == x.shape.len() { n } else { 1 };
            for (j, v) in result.iter().enumerate().take(m) {
                out.data[(o * m + j) * inner + i] = *v;
            }
        }
    }
    out
}

/// Running results of a row.
pub fn running<'a>(how: Combiner, row: impl Iterator<Item = &'a f64>) -> Vec<f64> {
    row.scan(how.neutral(), |all, x| {
        *all = how.combine(*all, *x);
        Some(*all)
    })
    .collect()
}

/// `log(sum(exp(x - max)))`, in which the maximum adds 1, and `max`, or 0 where that is infinite.
pub fn log_sum_exp(row: &[f64], round: impl Fn(f64) -> f64) -> (f64, f64) {
    let max = largest(row);
    let max = if max.is_infinite() { 0.0 } else { max };
    (log_of_sum(row, max, round), max)
}

/// The largest number, without NaN.
pub fn largest(row: &[f64]) -> f64 {
    row.iter().copied().fold(f64::NEG_INFINITY, f64::max)
}

/// `log(sum(exp(x - max)))`.
pub fn log_of_sum(row: &[f64], max: f64, round: impl Fn(f64) -> f64) -> f64 {
    let (mut ones, mut rest) = (0.0, 0.0);
    for v in row {
        match round(round(v - max).exp()) {
            1.0 => ones += 1.0,
            e => rest += e,
        }
    }
    round((ones - 1.0 + rest).ln_1p())
}
