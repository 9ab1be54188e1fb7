//! `grad(y, x)` as a value: closed forms, second derivatives against finite differences, and a
//! gradient penalty that trains a critic (Gulrajani et al., 2017).

use netform::prelude::*;
use netform_networks::values::wave;

network! {
    /// Polynomials, whose derivatives are known.
    struct Known {
        scale: Param[3] = ones,
    }

    fn first(x: [3]) -> [3] {
        grad((x * x * x).sum(), x)
    }

    fn second(x: [3]) -> [3] {
        let g = grad((x * x * x).sum(), x);
        grad(g.sum(), x)
    }

    fn third(x: [3]) -> [3] {
        let g = grad((x * x * x).sum(), x);
        let h = grad(g.sum(), x);
        grad((h * x).sum(), x)
    }

    fn several(x: [3], y: [3]) -> ([3], [3], [3]) {
        let z = (x * y * scale).sum();
        grad(z, (x, y, scale))
    }

    fn between(x: [3]) -> [3] {
        let h = x * 2.0;
        grad((h * h).sum(), h)
    }

    /// What a step detaches is a constant to the second derivative too.
    fn stopped(#[grad] x: [1, 3]) -> [] {
        let (_, all) = scan(x, zeros([1]), |h, x_t| {
            let y = x_t * x_t * detach(x_t);
            (h, y)
        });
        grad(all.sum(), x).sum()
    }

    fn loss(#[grad] x: [3]) -> [] {
        let y = (x.exp() * scale).sum();
        grad(y, x).square().sum()
    }
}

network! {
    struct Layer {
        norm: LayerNorm(4),
        linear: Linear(4 -> 5),
        table: Embedding(6 -> 4),
        out: Linear(5 -> 3),
    }

    fn score(x: [B, 4]) -> [B, 3] {
        out(tanh(linear(norm(x))))
    }

    /// Through softmax, cross entropy, products, a norm.
    fn classes(#[grad] x: [B, 4], y: u32[B]) -> [] {
        let l = cross_entropy(score(x), y);
        grad(l, x).square().sum() + l
    }

    fn softmaxes(#[grad] x: [B, 4]) -> [] {
        let l = (softmax(score(x), dim = -1) * score(x)).sum();
        grad(l, linear.weight).square().sum()
    }

    fn ids(at: u32[B]) -> [] {
        let l = gelu(score(table(at))).square().sum();
        grad(l, table.weight).square().sum()
    }

    fn recurrent(#[grad] x: [B, T, 4]) -> [] {
        let (last, all) = scan(x, zeros([B, 4]), |h, x_t| {
            let h = tanh(norm(h) + linear(x_t).sum(-1, keepdim = true) * x_t);
            (h, h.square())
        });
        let l = last.sum() + all.sum();
        grad(l, x).square().sum()
    }

    fn in_a_step(#[grad] x: [B, T, 4]) -> [] {
        let (_, all) = scan(x, zeros([B, 4]), |h, x_t| {
            let y = (score(x_t) * score(x_t + h)).sum();
            let g = grad(y, x_t);
            (g, g)
        });
        all.square().sum()
    }
}

network! {
    struct Critic {
        a: Linear(2 -> 16),
        b: Linear(16 -> 1),
    }

    fn score(x: [B, 2]) -> [B] {
        b(tanh(a(x))).squeeze(1)
    }

    fn norms(x: [B, 2]) -> [B] {
        grad(score(x).sum(), x).square().sum(1).sqrt()
    }

    fn loss(real: [B, 2], fake: [B, 2]) -> [] {
        let penalty = (norms((real + fake) / 2.0) - 1.0).square().mean();
        score(fake).mean() - score(real).mean() + 10.0 * penalty
    }
}

#[test]
fn closed_forms() {
    let net = Known::new(Cpu::f64(), 0).unwrap();
    let x = [1.0f64, -2.0, 0.5];
    let value = |t: Tensor| t.to_f64_vec();
    assert_eq!(value(net.first(&x).unwrap().to_tensor()), [3.0, 12.0, 0.75]);
    assert_eq!(
        value(net.second(&x).unwrap().to_tensor()),
        [6.0, -12.0, 3.0]
    );
    assert_eq!(
        value(net.third(&x).unwrap().to_tensor()),
        [12.0, -24.0, 6.0]
    );
    assert_eq!(
        value(net.between(&x).unwrap().to_tensor()),
        [4.0, -8.0, 2.0]
    );
    let (a, b, c) = net.several(&x, &[2.0f64, 3.0, 4.0]).unwrap();
    assert_eq!(value(a.to_tensor()), [2.0, 3.0, 4.0]);
    assert_eq!(value(b.to_tensor()), x);
    assert_eq!(value(c.to_tensor()), [2.0, -6.0, 2.0]);
    drop((a, b, c));
    let mut net = net;
    // d/dx x x c = 2 x c, whose derivative is 2 c.
    let (_, dx) = net.stopped_backward(&[x]).unwrap();
    assert_eq!(value(dx.to_tensor()), [2.0, -4.0, 1.0]);
    drop(dx);
    // d/dx (e^x)^2 = 2 e^2x.
    let (_, dx) = net.loss_backward(&x).unwrap();
    for (dx, x) in dx.to_tensor().to_f64_vec().iter().zip(x) {
        assert!((dx - 2.0 * (2.0 * x).exp()).abs() < 1e-12 * dx.abs());
    }
}

/// The gradients of a function against central differences, parameters and arguments alike.
macro_rules! agrees {
    ($net:ident, $f:ident, $f_backward:ident, $x:expr, [$($arg:expr),*], $dx:expr) => {{
        let names: Vec<String> = $net.parameters().map(|p| p.name().to_owned()).collect();
        let out = $net.$f_backward($x, $($arg),*).unwrap();
        let dx: Option<Vec<f64>> = $dx(out);
        let close = |what: &str, got: f64, want: f64| {
            let error = (got - want).abs();
            assert!(error < 2e-7 * (1.0 + want.abs()), "{}, {what}: {got} and {want}", stringify!($f));
        };
        let got: Vec<Vec<f64>> =
            names.iter().map(|n| $net.gradient(n).unwrap().to_f64_vec()).collect();
        for (name, got) in names.iter().zip(&got) {
            let start = $net.parameter(name).unwrap();
            for k in 0..got.len() {
                let mut at = |h: f64| {
                    let mut v = start.to_f64_vec();
                    v[k] += h;
                    $net.set_parameter(name, &Tensor::from_vec(start.shape(), v).unwrap()).unwrap();
                    $net.$f($x, $($arg),*).unwrap().item().unwrap()
                };
                let want = (at(1e-5) - at(-1e-5)) / 2e-5;
                close(name, got[k], want);
            }
            $net.set_parameter(name, &start).unwrap();
        }
        if let Some(dx) = dx {
            for k in 0..dx.len() {
                let at = |h: f64| {
                    let mut v = $x.to_f64_vec();
                    v[k] += h;
                    let x = Tensor::from_vec($x.shape(), v).unwrap();
                    $net.$f(&x, $($arg),*).unwrap().item().unwrap()
                };
                close("dx", dx[k], (at(1e-5) - at(-1e-5)) / 2e-5);
            }
        }
    }};
}

#[test]
fn second_derivatives_agree_with_finite_differences() {
    let mut net = Layer::new(Cpu::f64(), 3).unwrap();
    let x = wave(&[3, 4], 0.7);
    let y = [2u32, 0, 1];
    agrees!(net, classes, classes_backward, &x, [&y], |(_, dx): (
        _,
        netform::Output<_, _>
    )| {
        Some(dx.to_tensor().to_f64_vec())
    });
    agrees!(net, softmaxes, softmaxes_backward, &x, [], |(_, dx): (
        _,
        netform::Output<_, _>
    )| {
        Some(dx.to_tensor().to_f64_vec())
    });
    let at = Tensor::from_vec([4], vec![1u32, 5, 1, 0]).unwrap();
    agrees!(net, ids, ids_backward, &at, [], |_| None);
    let x = wave(&[2, 3, 4], 0.4);
    agrees!(net, recurrent, recurrent_backward, &x, [], |(_, dx): (
        _,
        netform::Output<_, _>
    )| {
        Some(dx.to_tensor().to_f64_vec())
    });
    agrees!(net, in_a_step, in_a_step_backward, &x, [], |(_, dx): (
        _,
        netform::Output<_, _>
    )| {
        Some(dx.to_tensor().to_f64_vec())
    });
}

#[test]
fn a_gradient_penalty_holds_the_slope_at_one() {
    let mut net = Critic::new(Cpu::new(), 1).unwrap();
    let mut adam = Adam::new(1e-2);
    let real: Vec<[f32; 2]> = (0..64)
        .map(|i| [1.5 + (i as f32).sin() * 0.3, (i as f32).cos()])
        .collect();
    let fake: Vec<[f32; 2]> = (0..64)
        .map(|i| [-1.5 + (i as f32).cos() * 0.3, (i as f32).sin()])
        .collect();
    for _ in 0..400 {
        net.loss_step(&mut adam, &real, &fake).unwrap();
    }
    let middle: Vec<[f32; 2]> = real
        .iter()
        .zip(&fake)
        .map(|(r, f)| [(r[0] + f[0]) / 2.0, (r[1] + f[1]) / 2.0])
        .collect();
    let norms = net.norms(&middle).unwrap().to_tensor().to_f64_vec();
    let mean = norms.iter().sum::<f64>() / 64.0;
    assert!((mean - 1.0).abs() < 0.15, "{mean}");
    let (high, low) = (net.score(&real).unwrap(), net.score(&fake).unwrap());
    let apart = high.to_tensor().to_f64_vec()[0] - low.to_tensor().to_f64_vec()[0];
    assert!(apart > 1.0, "{apart}");
}

network! {
    struct Penalised {
        layers: [Linear(3 -> 3); 2],
    }
    /// How steep the loss is in one layer of an array.
    fn loss(x: [B, 3]) -> [] {
        let y = layers[1](tanh(layers[0](x))).square().sum();
        y + grad(y, layers[0].weight).square().sum()
    }
}

#[test]
fn an_element_of_an_array_is_a_variable() {
    let mut net = Penalised::new(Cpu::f64(), 2).unwrap();
    let x = [[0.3, -0.2, 0.5], [0.1, 0.7, -0.4]];
    netform::check::gradients(&mut net, |net| net.loss_backward(&x)?.item()).unwrap();
}
