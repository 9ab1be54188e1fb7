//! Initial values of whole matrices and kernels: `torch.nn.init`'s `eye_`, `dirac_`, `orthogonal_`, `sparse_`.
//!
//! Each function takes one parameter's elements, row by row, and its shape.

use crate::Float;
use crate::philox::{fill_normal, permute};

/// Ones on the diagonal of a matrix.
pub(super) fn eye<F: Float>(values: &mut [F], shape: &[usize]) {
    values.fill(F::from_f64(0.0));
    let columns = shape.last().copied().unwrap_or(1).max(1);
    for (i, row) in values.chunks_mut(columns).enumerate() {
        if let Some(one) = row.get_mut(i) {
            *one = F::from_f64(1.0);
        }
    }
}

/// A kernel (O, I, ..) that keeps the channels of its input: a one in the middle of kernel (i, i) of each group.
pub(super) fn dirac<F: Float>(values: &mut [F], shape: &[usize], groups: usize) {
    values.fill(F::from_f64(0.0));
    let [out, inner, kernel @ ..] = shape else {
        return;
    };
    let cells: usize = kernel.iter().product();
    let middle = kernel.iter().fold(0, |at, k| at * k + k / 2);
    let each = (out / groups.max(1)).max(1);
    for o in 0..*out {
        let i = o % each;
        let at = (o * inner + i) * cells + middle;
        if let (true, Some(one)) = (i < *inner && middle < cells, values.get_mut(at)) {
            *one = F::from_f64(1.0);
        }
    }
}

/// Rows, or columns if there are fewer, that are orthogonal and of length `gain` (Saxe et al., 2013). Dimensions after
/// the first count as columns.
pub(super) fn orthogonal<F: Float>(
    values: &mut [F],
    shape: &[usize],
    gain: f64,
    (seed, stream): (u64, u64),
) {
    let rows = shape.first().copied().unwrap_or(1).max(1);
    let columns = values.len() / rows;
    let (count, length) = (rows.min(columns), rows.max(columns));
    let mut vectors = vec![0.0f64; count * length];
    fill_normal(seed, stream, &mut vectors, 0.0, 1.0);
    for k in 0..count {
        let (before, rest) = vectors.split_at_mut(k * length);
        let x = &mut rest[..length];
        // Gram and Schmidt; the second round removes what rounding left.
        for _ in 0..2 {
            for y in before.chunks(length) {
                let along: f64 = x.iter().zip(y).map(|(x, y)| x * y).sum();
                x.iter_mut().zip(y).for_each(|(x, y)| *x -= along * y);
            }
        }
        let size = x.iter().map(|x| x * x).sum::<f64>().sqrt();
        if size > 0.0 {
            x.iter_mut().for_each(|x| *x /= size);
        }
    }
    for (at, value) in values.iter_mut().enumerate() {
        let (row, column) = (at / columns.max(1), at % columns.max(1));
        let from = match rows <= columns {
            true => row * length + column,
            false => column * length + row,
        };
        *value = F::from_f64(gain * vectors[from]);
    }
}

/// Normal numbers, with this part of each column zero (Martens, 2010).
pub(super) fn sparse<F: Float>(
    values: &mut [F],
    shape: &[usize],
    (sparsity, std): (f64, f64),
    (seed, stream): (u64, u64),
) {
    fill_normal(seed, stream, values, 0.0, std);
    let rows = shape.first().copied().unwrap_or(1).max(1);
    let columns = values.len() / rows;
    let zeros = (sparsity * rows as f64).ceil().clamp(0.0, rows as f64) as usize;
    let mut order: Vec<usize> = (0..rows).collect();
    for column in 0..columns {
        permute(seed, stream.wrapping_add(1 + column as u64), &mut order);
        for row in &order[..zeros] {
            values[row * columns + column] = F::from_f64(0.0);
        }
    }
}
