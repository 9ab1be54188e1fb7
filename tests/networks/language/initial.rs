//! Initial values with the names of `torch.nn.init`: `init = ..` of layers, and of parameters.

use netform::prelude::*;

const STD: f64 = 0.02;

network! {
    struct Initial {
        linear: Linear(40 -> 60, init = kaiming_normal(nonlinearity = "relu"), bias_init = zeros),
        conv: Conv2d(4 -> 8, 3, init = xavier_uniform_(gain = 2), bias_init = 0.5),
        orthogonal: Linear(6 -> 4, init = orthogonal(gain = 3), bias = false),
        dirac: Conv1d(3 -> 3, 3, init = dirac(), bias_init = zeros),
        norm: LayerNorm(6, init = constant(2), bias_init = ones),
        encoder: TransformerEncoder(TransformerEncoderLayer(8, 2, dim_feedforward = 16), 2, init = xavier_uniform()),
        rnn: GRU(5, 30, init = normal(0, STD)),
        embed: [Embedding(50, 8, init = trunc_normal(std = STD, a = -0.01, b = 0.03)); 3],
        eye: Param[3, 4] = eye(),
        sparse: Param[20, 5] = sparse(0.5, std = 2),
        range: Param[100] = uniform(2, 3),
        both: Param[100] = uniform(0.5),
        he: Param[30, 20] = kaiming_uniform(a = 5.0, mode = "fan_out"),
    }
    fn loss(a: [B, 40], i: [B, 4, 9, 9], s: [B, 3, 9], x: [B, 6], t: [B, 9, 8], r: [B, 9, 5], n: i64[B]) -> [] {
        let e = embed[0](n) + embed[1](n) + embed[2](n);
        linear(a).sum() + conv(i).sum() + dirac(s).sum() + orthogonal(norm(x)).sum() + encoder(t).sum() + rnn(r)[0].sum()
            + e.sum() + eye.sum() + sparse.sum() + range.sum() + both.sum() + he.sum()
    }
    fn same(s: [B, 3, 9]) -> [B, 3, 7] { dirac(s) }
}

#[test]
fn parameters_start_as_declared() -> netform::Result<()> {
    let net = Initial::new(Cpu::f64(), 3)?;
    let of = |name: &str| net.parameter(name).expect("a parameter").to_f64_vec();
    let deviation = |v: &[f64]| (v.iter().map(|x| x * x).sum::<f64>() / v.len() as f64).sqrt();
    let near = |name: &str, std: f64| {
        let found = deviation(&of(name));
        assert!(
            (found / std - 1.0).abs() < 0.1,
            "{name}: {found}, not {std}"
        );
    };
    near("linear.weight", (2.0f64 / 40.0).sqrt());
    near("conv.weight", 2.0 * (2.0f64 / (36.0 + 72.0)).sqrt());
    near(
        "encoder.layers.1.self_attn.in_proj_weight",
        (2.0f64 / (8.0 + 24.0)).sqrt(),
    );
    near("rnn.weight_hh_l0", STD);
    near("he", (2.0f64 / 26.0 / 30.0).sqrt());
    for (name, value) in [
        ("linear.bias", 0.0),
        ("conv.bias", 0.5),
        ("norm.weight", 2.0),
        ("norm.bias", 1.0),
    ] {
        assert!(of(name).iter().all(|v| *v == value), "{name}");
    }
    // Biases that are not named keep the layer's distribution.
    assert!(of("rnn.bias_hh_l0").iter().any(|v| v.abs() > 3.0 * STD));
    let q = of("orthogonal.weight");
    for (i, j) in [(0, 0), (0, 1), (2, 3), (3, 3)] {
        let dot: f64 = (0..6).map(|k| q[i * 6 + k] * q[j * 6 + k]).sum();
        assert!((dot - if i == j { 9.0 } else { 0.0 }).abs() < 1e-12);
    }
    for k in 0..3 {
        assert!(
            of(&format!("embed.{k}.weight"))
                .iter()
                .all(|v| (-0.01..=0.03).contains(v))
        );
    }
    assert_ne!(of("embed.0.weight"), of("embed.1.weight"));
    assert_eq!(of("eye"), [1., 0., 0., 0., 0., 1., 0., 0., 0., 0., 1., 0.]);
    assert_eq!(of("sparse").iter().filter(|v| **v == 0.0).count(), 50);
    assert!(of("range").iter().all(|v| (2.0..3.0).contains(v)));
    assert!(of("both").iter().all(|v| v.abs() <= 0.5) && of("both").iter().any(|v| *v < 0.0));
    let x: Vec<f64> = (0..27).map(f64::from).collect();
    let x = netform::Tensor::from_vec([1, 3, 9], x)?;
    let y = net.same(&x)?.to_tensor().to_f64_vec();
    assert_eq!(y[..7], [1., 2., 3., 4., 5., 6., 7.]);
    assert_eq!(y[7..9], [10., 11.]);
    Ok(())
}
