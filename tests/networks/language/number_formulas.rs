//! Numbers in declarations: quotients, roots, powers, exponentials and logarithms of constants and const parameters.

use netform::prelude::*;

const WIDTH: usize = 8;
const OMEGA: f64 = 30.0;
const SLOPE: f64 = 0.2;

network! {
    struct Sine<const I: usize, const O: usize> {
        linear: Linear(I -> O, init = uniform((6.0 / I) ** 0.5 / OMEGA), bias_init = uniform(1 / I ** 0.5)),
        scale: Param[O] = normal(std = I ** -0.5),
        start: Param[O] = sqrt(I) / 2,
    }
    fn forward(x: [B, I]) -> [B, O] { linear(x) * scale + start }
}

network! {
    struct Named {
        first: Sine<WIDTH, 3>,
        a: Param[WIDTH, 3] = uniform(sqrt(6 / WIDTH) / OMEGA),
        b: Param[WIDTH, 3] = xavier_uniform(gain = 2 ** -2.5),
        c: Param[WIDTH, 3] = xavier_normal(gain = OMEGA.sqrt()),
        d: Param[WIDTH, 3] = kaiming_uniform(a = SLOPE),
        e: Param[WIDTH, 3] = kaiming_normal(a = 5 ** 0.5),
        f: Param[WIDTH] = -log(OMEGA),
        g: Param[WIDTH] = exp(-SLOPE) + 1 / WIDTH,
        h: Param[(WIDTH / 4) ** 2] = (WIDTH / 3) ** 2,
        norm: LayerNorm(WIDTH, eps = 1 / OMEGA ** 4),
        drop: Dropout(1 / WIDTH),
    }
    fn forward(x: [B, 8]) -> [B, 3] { first(x) + h.sum() + drop(norm(x) + f + g) @ (a + b + c + d + e) }
}

network! {
    struct Waves {
        linear: Linear(8 -> 3, init = uniform(0.8660254037844386 / 30), bias_init = uniform(0.35355339059327373)),
        scale: Param[3] = normal(std = 0.35355339059327373),
        start: Param[3] = 1.4142135623730951,
    }
    fn forward(x: [B, 8]) -> [B, 3] { linear(x) * scale + start }
}

network! {
    struct Written {
        first: Waves,
        a: Param[8, 3] = uniform(0.8660254037844386 / 30),
        b: Param[8, 3] = xavier_uniform(gain = 0.17677669529663687),
        c: Param[8, 3] = xavier_normal(gain = 5.477225575051661),
        d: Param[8, 3] = kaiming_uniform(a = 0.2),
        e: Param[8, 3] = kaiming_normal(a = 2.23606797749979),
        f: Param[8] = -3.4011973816621555,
        g: Param[8] = 0.9437307530779819,
        h: Param[4] = 7.111111111111111,
        norm: LayerNorm(8, eps = 1.2345679012345679e-6),
        drop: Dropout(0.125),
    }
    fn forward(x: [B, 8]) -> [B, 3] { first(x) + h.sum() + drop(norm(x) + f + g) @ (a + b + c + d + e) }
}

#[test]
fn formulas_are_their_values() -> netform::Result<()> {
    let (named, written) = (Named::new(Cpu::f64(), 1)?, Written::new(Cpu::f64(), 1)?);
    let near = |a: &Tensor, b: &Tensor, what: &str| {
        assert_eq!(a.shape(), b.shape(), "{what}");
        for (a, b) in a.to_f64_vec().into_iter().zip(b.to_f64_vec()) {
            let close = (a - b).abs() <= 1e-13 * b.abs().max(1.0);
            assert!(close, "{what}: {a} and {b}");
        }
    };
    for p in written.parameters() {
        near(
            &named.parameter(p.name())?,
            &written.parameter(p.name())?,
            p.name(),
        );
    }
    let x = [[0.5, 1.0, -2.0, 3.0, 0.25, -0.75, 1.5, 2.0]];
    let (a, b) = (named.forward(&x)?, written.forward(&x)?);
    near(&a.to_tensor(), &b.to_tensor(), "results");
    Ok(())
}
