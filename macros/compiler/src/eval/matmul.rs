//! Matrix products.

use super::Array;
use super::array::build;

/// The product of two matrices, or of two stacks, either stored transposed.
pub fn matmul(a: &Array, b: &Array, ta: bool, tb: bool) -> Array {
    let r = a.shape.len() - 2;
    let (m, k) = if ta {
        (a.shape[r + 1], a.shape[r])
    } else {
        (a.shape[r], a.shape[r + 1])
    };
    let n = if tb { b.shape[r] } else { b.shape[r + 1] };
    let mut shape = a.shape[..r].to_vec();
    shape.extend([m, n]);
    build(&shape, |i| {
        let (g, i, j) = (&i[..r], i[r], i[r + 1]);
        let at = |x: &Array, t: bool, i: usize, j: usize| {
            let mut index = g.to_vec();
            index.extend(if t { [j, i] } else { [i, j] });
            x.at(&index)
        };
        (0..k).map(|l| at(a, ta, i, l) * at(b, tb, l, j)).sum()
    })
}
