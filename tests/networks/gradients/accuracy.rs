//! Functions that are composed of others are as accurate as the device's own: a few units in the last place of f32,
//! near 0 and up to the overflow of results; exact where the result is a whole number.

#[cfg(feature = "cuda")]
use netform_networks::device;

use netform::prelude::*;

network! {
    struct Functions {}
    fn two_to(#[grad] x: [N]) -> [N] { exp2(x) }
    fn of_two(#[grad] x: [N]) -> [N] { log2(x) }
    fn of_ten(#[grad] x: [N]) -> [N] { log10(x) }
    fn sine(#[grad] x: [N]) -> [N] { sinh(x) }
    fn cosine(#[grad] x: [N]) -> [N] { cosh(x) }
}

/// Checks the largest relative error; 6e-8 is half a unit in the last place.
fn worst(name: &str, got: &[f64], want: impl Iterator<Item = f64>, most: f64) {
    for (i, (a, b)) in got.iter().zip(want).enumerate() {
        let same = *a == b || ((a - b) / b).abs() <= most;
        assert!(same, "{name}[{i}] is {a}, not {b}");
    }
}

fn between(a: f32, b: f32) -> Vec<f32> {
    (0..=5000)
        .map(|i| a + (b - a) * i as f32 / 5000.0)
        .collect()
}

fn check<D: Device>(device: D, exact: bool) -> netform::Result<()> {
    let mut net = Functions::new(device, 0)?;
    macro_rules! check {
        ($f:ident, $vjp:ident, $xs:expr, $most:expr, |$x:ident| $y:expr, $dy:expr) => {{
            let xs: Vec<f32> = $xs;
            let y = net.$f(&xs)?.to_tensor().to_f64_vec();
            let dy = net
                .$vjp(&xs, &vec![1f32; xs.len()])?
                .to_tensor()
                .to_f64_vec();
            let at = || xs.iter().map(|x| f64::from(*x));
            worst(stringify!($f), &y, at().map(|$x| $y), $most);
            worst(stringify!($vjp), &dy, at().map(|$x| $dy), 2.0 * $most);
        }};
    }
    let (ln_2, ln_10) = (std::f64::consts::LN_2, std::f64::consts::LN_10);
    check!(
        two_to,
        two_to_vjp,
        between(-100.0, 100.0),
        1.2e-7,
        |x| x.exp2(),
        x.exp2() * ln_2
    );
    for xs in [
        between(-88.0, 88.0),
        between(-2.0, 2.0),
        vec![0.0, 1e-8, -1e-6, 1e-30],
    ] {
        check!(sine, sine_vjp, xs.clone(), 4e-7, |x| x.sinh(), x.cosh());
        check!(cosine, cosine_vjp, xs, 4e-7, |x| x.cosh(), x.sinh());
    }
    for xs in [between(0.001, 5000.0), between(0.9, 1.1)] {
        check!(
            of_two,
            of_two_vjp,
            xs.clone(),
            2.4e-7,
            |x| x.log2(),
            1.0 / (x * ln_2)
        );
        check!(
            of_ten,
            of_ten_vjp,
            xs,
            3.6e-7,
            |x| x.log10(),
            1.0 / (x * ln_10)
        );
    }
    // Whole numbers, and the ends.
    let whole = |y: Vec<f64>, from: i32| y.into_iter().zip(from..).all(|(y, k)| y == f64::from(k));
    let twos: Vec<f32> = (-126..128).map(|k| (k as f32).exp2()).collect();
    assert!(whole(net.of_two(&twos)?.to_tensor().to_f64_vec(), -126));
    let tens: Vec<f32> = (-37..38)
        .map(|k| format!("1e{k}").parse().unwrap())
        .collect();
    // Powers of ten are rounded to f32, on the GPU within two units.
    let of_tens = net.of_ten(&tens)?.to_tensor().to_f64_vec();
    match exact {
        true => assert!(whole(of_tens, -37)),
        false => worst("of_ten", &of_tens, (-37..38).map(f64::from), 6e-8),
    }
    let inf = f32::INFINITY;
    let ends = [0.0, -1.0, inf, f32::NAN];
    let y = net.of_two(&ends)?.to_tensor().to_f64_vec();
    assert!(y[0] == f64::NEG_INFINITY && y[2] == f64::INFINITY && y[1].is_nan() && y[3].is_nan());
    let y = net
        .sine(&[inf, -inf, 89.0, 100.0])?
        .to_tensor()
        .to_f64_vec();
    assert!(y[0] == f64::INFINITY && y[1] == f64::NEG_INFINITY);
    assert!(y[2].is_finite() && y[3] == f64::INFINITY);
    Ok(())
}

#[test]
fn on_the_cpu() -> netform::Result<()> {
    check(Cpu::new(), true)
}

#[cfg(feature = "cuda")]
#[test]
fn on_the_gpu() -> netform::Result<()> {
    check(device::cuda(), false)
}
