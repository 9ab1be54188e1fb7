//! `roll` and `outer` against rotations and products written out, with gradients.

use netform::prelude::*;

const SHIFT: usize = 2;

network! {
    struct Net {
        w: Param[3, 4],
    }
    fn rolled(x: [B, T]) -> ([B, T], [B, T], [B, T], [B, T], [B, T]) {
        (x.roll(1, 1), roll(x, -1, dims = 1), roll(x, shifts = [1, SHIFT], dims = [0, 1]), roll(x, 3), roll(x, 0, 0))
    }
    fn known() -> ([3, 4], [3, 4]) { (torch.roll(w, (5, -6), (0, 1)), w.roll(-13)) }
    fn pairs(x: [N], y: i64[M]) -> [N, M] { torch.outer(x, y) }
    fn loss(x: [3, 4]) -> [] { (w.roll((1, 1), (0, 1)) * x).sum() + outer(w[0], x[1]).sum() }
}

/// Element (i, j) of a matrix that is shifted.
fn rotated(x: &[f64], (rows, columns): (usize, usize), by: (i64, i64)) -> Vec<f64> {
    let from = |i: usize, k: i64, n: usize| (i as i64 - k).rem_euclid(n as i64) as usize;
    (0..rows * columns)
        .map(|e| (e / columns, e % columns))
        .map(|(i, j)| x[from(i, by.0, rows) * columns + from(j, by.1, columns)])
        .collect()
}

#[test]
fn elements_come_back_at_the_other_end() -> netform::Result<()> {
    let net = Net::new(Cpu::f64(), 1)?;
    let x: Vec<f64> = (0..12).map(f64::from).collect();
    let (a, b, c, d, e) = net.rolled(&Tensor::from_vec([3, 4], x.clone())?)?;
    assert_eq!(a.as_slice(), rotated(&x, (3, 4), (0, 1)));
    assert_eq!(b.as_slice(), rotated(&x, (3, 4), (0, -1)));
    assert_eq!(c.as_slice(), rotated(&x, (3, 4), (1, 2)));
    assert_eq!(d.as_slice(), rotated(&x, (1, 12), (0, 3)));
    assert_eq!(e.as_slice(), x);
    // A shift beyond a size that only the call knows.
    assert!(
        net.rolled(&Tensor::from_vec([3, 1], vec![0.0; 3])?)
            .is_err()
    );
    let mut net = net;
    net.set_parameter("w", &Tensor::from_vec([3, 4], x.clone())?)?;
    let (a, b) = net.known()?;
    assert_eq!(a.as_slice(), rotated(&x, (3, 4), (5, -6)));
    assert_eq!(b.as_slice(), rotated(&x, (1, 12), (0, -13)));
    assert_eq!(
        net.pairs(&[0.5, 2.0], &[3i64, -1, 4])?.as_slice(),
        [1.5, -0.5, 2.0, 6.0, -2.0, 8.0]
    );
    let y = Tensor::from_vec([3, 4], x.iter().map(|v| v * v - 20.0).collect::<Vec<f64>>())?;
    net.loss_backward(&y)?;
    let mut wanted = rotated(&y.to_f64_vec(), (3, 4), (-1, -1));
    let row: f64 = y.to_f64_vec()[4..8].iter().sum();
    wanted[..4].iter_mut().for_each(|g| *g += row);
    assert_eq!(net.gradient("w")?.to_f64_vec(), wanted);
    Ok(())
}
