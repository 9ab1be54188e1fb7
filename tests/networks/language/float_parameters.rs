//! `f64` const parameters of networks in fields: as rates, factors, start values and conditions of layers.

use netform::Network;
use netform::prelude::*;

const RATES: [f64; 3] = [0.25, 0.5, 0.75];
const SCALE: f64 = 1.5;

mod parts {
    use netform::prelude::*;

    const START: f64 = 0.125;

    network! {
        pub struct Scaled<const D: usize, const S: f64, const INIT: f64 = START> {
            fc: Linear(D -> D),
            gain: Param[D] = constant(INIT),
            norm: LayerNorm(D, eps = S * 1e-3),
        }
        fn forward(x: [B, D]) -> [B, D] { norm(fc(x)) * S + gain + (1 - S) * x }
    }
    network! {
        pub struct Twice<const D: usize, const S: f64 = -0.5> {
            first: Scaled<D, S>,
            second: Scaled<D, S, 2>,
        }
        fn forward(x: [B, D]) -> [B, D] { second(first(x)) / S }
    }
}

network! {
    struct Net {
        a: parts::Scaled<4, 0.5>,
        b: parts::Scaled<4, SCALE, 3>,
        c: [parts::Scaled<4, { RATES[i] }, 0.5>; 3],
        d: parts::Twice<4>,
    }
    fn forward(x: [B, 4]) -> [B, 4] {
        let mut x = b(a(x));
        for block in c {
            x = block(x);
        }
        d(x)
    }
    fn loss(x: [B, 4]) -> [] { forward(x).square().mean() }
}

network! {
    /// The same layer by layer.
    struct Plain {
        fc: [Linear(4 -> 4); 7],
        gain: Param[7, 4],
    }
    fn layer(x: [B, 4], y: [B, 4], gain: [4], s: f64) -> [B, 4] {
        layer_norm(y, [4], eps = 0.0) * s + gain + (1 - s) * x
    }
    fn forward(x: [B, 4]) -> [B, 4] {
        let mut x = x;
        for (fc, g, s) in zip(fc, gain, [0.5, 1.5, 0.25, 0.5, 0.75, -0.5, -0.5]) {
            x = layer(x, fc(x), g, s);
        }
        -2 * x
    }
}

#[test]
fn float_parameters_are_the_numbers_that_fields_give() -> netform::Result<()> {
    let mut net = Net::new(Cpu::f64(), 1)?;
    let mut plain = Plain::new(Cpu::f64(), 2)?;
    let prefixes = ["a", "b", "c.0", "c.1", "c.2", "d.first", "d.second"];
    let mut gains = Vec::new();
    for (k, prefix) in prefixes.iter().enumerate() {
        for name in ["weight", "bias"] {
            let values = net.parameter(&format!("{prefix}.fc.{name}"))?;
            plain.set_parameter(&format!("fc.{k}.{name}"), &values)?;
        }
        gains.extend(net.parameter(&format!("{prefix}.gain"))?.to_f64_vec());
    }
    let firsts: Vec<f64> = gains.iter().step_by(4).copied().collect();
    assert_eq!(firsts, [0.125, 3.0, 0.5, 0.5, 0.5, 0.125, 2.0]);
    plain.set_parameter("gain", &Tensor::from_vec([7, 4], gains)?)?;
    let x = [[0.3, -1.0, 2.0, 0.7], [1.5, 0.2, -0.4, -2.0]];
    let (y, wanted) = (net.forward(&x)?.to_tensor(), plain.forward(&x)?.to_tensor());
    for (y, wanted) in y.to_f64_vec().iter().zip(wanted.to_f64_vec()) {
        // The layers' epsilon is at most 1.5e-3.
        assert!(
            (y - wanted).abs() < 0.05 * (1.0 + wanted.abs()),
            "{y} {wanted}"
        );
    }
    net.loss_backward(&x)?;
    Ok(())
}

#[test]
fn programs_give_the_bits() -> netform::Result<()> {
    let net = parts::Scaled::<2, { 0.5f64.to_bits() }>::new(Cpu::new(), 1)?;
    assert_eq!(net.parameter("gain")?.to_f64_vec(), [0.125; 2]);
    let net = parts::Twice::<2>::new(Cpu::new(), 1)?;
    assert_eq!(net.parameters().count(), 10);
    Ok(())
}
