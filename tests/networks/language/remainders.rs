//! `%`, `remainder` and `fmod`: signs and sizes as in Python and C, gradients, integers.

use netform::prelude::*;

const PARITY: usize = 1;

network! {
    struct Net {
        w: Param[4],
    }
    fn floats(x: [N], y: [N]) -> ([N], [N], [N], [N]) { (x % y, x.remainder(y), fmod(x, y), x % 2) }
    fn integers(x: i64[N]) -> (i64[N], i64[N], i64[N], i64[N]) { (x % 3, x % -3, fmod(x, 3), x % N) }
    fn mask() -> bool[4] { arange(4) % 2 == PARITY }
    fn mixed(x: [N]) -> [N] { 7 % x + 5.5 % x }
    fn loss(x: [4]) -> [] { (w % x).sum() * 2 + fmod(x, w).sum() + (w % 0.75).sum() }
}

#[test]
fn remainders_have_the_sign_of_python_and_c() -> netform::Result<()> {
    let net = Net::new(Cpu::f64(), 1)?;
    let table: &[(f64, f64)] = &[
        (5.5, 2.0),
        (-5.5, 2.0),
        (5.5, -2.0),
        (-5.5, -2.0),
        (4.0, 2.0),
        (-4.0, 2.0),
        (0.3, 0.1),
        (-0.3, 0.1),
        (1e300, 7.0),
        (-1e300, 7.0),
        (5e-324, 3e-324),
        (3.0, f64::INFINITY),
    ];
    let (x, y): (Vec<f64>, Vec<f64>) = table.iter().copied().unzip();
    let (a, b, c, d) = net.floats(&x, &y)?;
    assert_eq!(a.to_vec(), b.to_vec());
    for (k, (x, y)) in table.iter().enumerate() {
        let c_rest = x % y;
        assert_eq!(c[k], c_rest, "fmod({x}, {y})");
        let wrong = c_rest != 0.0 && (c_rest < 0.0) != (*y < 0.0);
        assert_eq!(a[k], if wrong { c_rest + y } else { c_rest }, "{x} % {y}");
        assert_eq!(d[k], x.rem_euclid(2.0), "{x} % 2");
    }
    let (a, _, c, _) = net.floats(&[1.0, f64::INFINITY, f64::NAN], &[0.0, 2.0, 2.0])?;
    assert!(a.iter().chain(c.iter()).all(|v| v.is_nan()));
    assert_eq!(net.mixed(&[2.0, -2.0])?.to_vec(), [2.5, -1.5]);

    let x = [-4, 5, i64::MIN, i64::MAX, 0];
    let (a, b, c, d) = net.integers(&x)?;
    for (k, x) in x.iter().enumerate() {
        assert_eq!(a[k], x.rem_euclid(3));
        assert_eq!(b[k], -(-i128::from(*x)).rem_euclid(3) as i64);
        assert_eq!(c[k], x % 3);
        assert_eq!(d[k], x.rem_euclid(5));
    }
    assert_eq!(net.mask()?.to_vec(), [false, true, false, true]);
    // The divisor is a size, which must not be 0.
    assert!(net.integers(&[0i64; 0]).is_err());
    Ok(())
}

#[test]
fn gradients_of_remainders_are_those_of_differences() -> netform::Result<()> {
    let mut net = Net::new(Cpu::f64(), 1)?;
    let x = [0.7, -1.3, 2.1, -0.4];
    let w = [2.3, 3.1, -4.4, -1.9];
    net.set_parameter("w", &Tensor::from_vec([4], w.to_vec())?)?;
    net.loss_backward(&x)?;
    let gradient = net.gradient("w")?.to_f64_vec();
    for k in 0..4 {
        let mut at = |d: f64| -> netform::Result<f64> {
            let mut w = w;
            w[k] += d;
            net.set_parameter("w", &Tensor::from_vec([4], w.to_vec())?)?;
            net.loss(&x)?.item()
        };
        let slope = (at(1e-6)? - at(-1e-6)?) / 2e-6;
        assert!(
            (slope - gradient[k]).abs() < 1e-6,
            "{k}: {slope} {}",
            gradient[k]
        );
    }
    Ok(())
}
