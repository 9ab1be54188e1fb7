//! What people write first, against the same in other words.

use netform::Tensor;
use netform::prelude::*;
use netform_networks::near::near;
use netform_networks::values::wave;

network! {
    struct Halves {
        w: Param[3] = ones,
    }
    fn halves(x: [B, C]) -> ([B, C / 2], [B, C / 2], [B, C / 2], [B, C / 2], [B, C / 2]) {
        let (p, q) = x.chunk(2, 1);
        let (r, s) = x.split([C / 2, C / 2], 1);
        (p + q, r + s, x[:, :C / 2] + x[:, C / 2:], x[:, C / 2:C] + x[:, :C / 2], x[:, -C / 2:] + x[:, :C / 2])
    }
    fn quarters(x: [B, C]) -> [B, C / 4] where C % 2 == 0 {
        let (p, q, r, s) = x.chunk(4, 1);
        let (t, u) = (p + q).split(C / 8, 1);
        p + q + r + s + cat([t, u], 1) * 0
    }
    fn even(x: [B, C]) -> [B, C / 2] where C % 2 == 0 { let (p, q) = x.chunk(2, 1); p + q }
    fn loss(x: [B, 3]) -> [] { (x * w).sum() }
}

#[test]
fn halves_join() -> netform::Result<()> {
    let net = Halves::new(Cpu::f64(), 1)?;
    let x = wave(&[2, 8], 0.3);
    let (a, b, c, d, e) = net.halves(&x)?;
    let v = x.to_f64_vec();
    let want: Vec<f64> = (0..8)
        .map(|i| v[i / 4 * 8 + i % 4] + v[i / 4 * 8 + i % 4 + 4])
        .collect();
    for sum in [&a, &b, &c, &d, &e] {
        assert_eq!(sum.to_vec(), want);
    }
    assert_eq!(net.even(&x)?.to_vec(), want);
    assert_eq!(net.quarters(&x)?.shape(), [2, 2]);
    let error = net.even(&wave(&[2, 7], 0.3)).unwrap_err().to_string();
    assert!(error.contains("C must be a multiple of 2"), "{error}");
    Ok(())
}

network! {
    struct Words {
        qkv: Linear(4 -> 12),
        layers: [Linear(4 -> 4); 4],
        list: [Linear(4 -> 4), Linear(4 -> 4)],
    }
    fn unpacked(x: [B, T, 4]) -> ([B, 2, T, 2], [B, T]) {
        let (q, k, v) = qkv(x).view(B, T, 3, 2, 2).permute(2, 0, 3, 1, 4);
        let (a, b, c, d) = x.unbind(-1);
        (q + k * v, a + b - c * d)
    }
    fn in_words(x: [B, T, 4]) -> ([B, 2, T, 2], [B, T]) {
        let y = qkv(x).view(B, T, 3, 2, 2).permute(2, 0, 3, 1, 4);
        (y[0] + y[1] * y[2], x[.., .., 0] + x[.., .., 1] - x[.., .., 2] * x[.., .., 3])
    }
    fn numbers(x: [B, T]) -> [B] {
        x.sum(1) * (1 / T) + (T - 1) / 2 + x.abs().sum(1) ** (1 / 3) + (1 / 3) + x[:, :T % 4].sum(1)
    }
    fn numbers_in_words(x: [B, T], t: f64, third: f64, rest: [R]) -> [B] {
        x.sum(1) / t + (t - 1) * 0.5 + pow(x.abs().sum(1), third) + third + x[.., ..R].sum(1) + 0 * rest.sum()
    }
    fn powers(x: [B, 16]) -> [B] {
        let mut y = x.sum(1);
        for i in 0..3 {
            y += x[:, :4 * 2 ** i].sum(1);
            if i == 2 { y *= 2; }
        }
        let n = 2 ** 2;
        y + x[:, :n].sum(1)
    }
    fn powers_in_words(x: [B, 16]) -> [B] {
        (2 * x.sum(1) + x[.., ..4].sum(1) + x[.., ..8].sum(1)) * 2 + x[.., ..4].sum(1)
    }
    fn loops(x: [B, 4]) -> [B, 4] {
        let mut x = x;
        for (i, l) in enumerate(layers) { x = l(x); if i % 2 == 0 { x = relu(x); } }
        for l in reversed(layers) { x = l(x); }
        for l in list.iter().rev() { x = tanh(l(x)); }
        for (i, (l, u)) in enumerate(zip(layers[..2], list)) { x = l(u(x)); if i == 1 { x *= 2; } }
        x
    }
    fn loops_in_words(x: [B, 4]) -> [B, 4] {
        let x = layers[3](relu(layers[2](layers[1](relu(layers[0](x))))));
        let x = layers[0](layers[1](layers[2](layers[3](x))));
        let x = tanh(list[0](tanh(list[1](x))));
        layers[1](list[1](layers[0](list[0](x)))) * 2
    }
    fn padded(x: [B, S], t: [T]) -> [B, S] where S >= T {
        let d = S - T;
        t.pad([floor(d / 2), d - floor(d / 2)]) + x
    }
    fn positions(length: [T]) -> [T] { arange(T).float() }
    fn either(x: [B, 4], c: [B, 4]) -> [B, 4] { if training { x } else { x + c } }
    fn up_to(x: [B, 4]) -> [B] {
        let mut y = zeros([B]);
        for i in 1..3 { y += x[.., ..=-i].sum(1); }
        y
    }
}

#[test]
fn as_in_other_words() -> netform::Result<()> {
    let net = Words::new(Cpu::f64(), 1)?;
    let x = wave(&[2, 3, 4], 0.3);
    let (a, b) = net.unpacked(&x)?;
    let (c, d) = net.in_words(&x)?;
    near("unpacked", &a.to_tensor(), &c.to_tensor(), 1e-12);
    near("unbound", &b.to_tensor(), &d.to_tensor(), 1e-12);
    for t in [5, 7] {
        let x = wave(&[2, t], 0.4);
        let rest = Tensor::zeros::<f64>([t % 4])?;
        let (a, b) = (
            net.numbers(&x)?,
            net.numbers_in_words(&x, t as f64, 1.0 / 3.0, &rest)?,
        );
        near("numbers", &a.to_tensor(), &b.to_tensor(), 1e-12);
    }
    let x = wave(&[2, 16], 0.2);
    near(
        "powers",
        &net.powers(&x)?.to_tensor(),
        &net.powers_in_words(&x)?.to_tensor(),
        1e-12,
    );
    let x = wave(&[2, 4], 0.2);
    near(
        "loops",
        &net.loops(&x)?.to_tensor(),
        &net.loops_in_words(&x)?.to_tensor(),
        1e-12,
    );
    let y = net.padded(&[[0.0; 7]], &[1.0, 2.0, 3.0, 4.0])?;
    assert_eq!(y.as_slice(), [0.0, 1.0, 2.0, 3.0, 4.0, 0.0, 0.0]);
    assert_eq!(net.positions(&[0.0; 3])?.as_slice(), [0.0, 1.0, 2.0]);
    assert_eq!(net.either(&[[1.0; 4]], &[[2.0; 4]])?.as_slice(), [3.0; 4]);
    assert_eq!(net.up_to(&[[1.0, 2.0, 4.0, 8.0]])?.as_slice(), [22.0]);
    Ok(())
}

network! {
    /// A function of any rank is no loss.
    struct Inner<const D: usize> {
        l: Linear(D -> D),
    }
    fn twice(x: [..]) -> [..] { x * 2 }
    fn sums(x: [.., D]) -> [..] { x.sum(-1) }
    fn forward(x: [B, D]) -> [B] { sums(twice(l(x))) }
}

network! {
    struct Equal<const D: usize, const E: usize>
    where
        D == 2 * E,
    {
        l: Linear(D -> E),
    }
    fn forward(x: [B, D]) -> [B, E] { l(x) }
    fn same(x: [B, M], y: [B, N]) -> [B, M] where M == N { x + y.sum() }
}

#[test]
fn conditions_of_equality() -> netform::Result<()> {
    assert_eq!(
        Inner::<4, _>::new(Cpu::f64(), 1)?
            .forward(&[[1.0; 4]])?
            .shape(),
        [1]
    );
    let net = Equal::<4, 2, _>::new(Cpu::f64(), 1)?;
    assert_eq!(net.forward(&[[1.0; 4]])?.shape(), [1, 2]);
    assert_eq!(net.same(&[[1.0; 2]], &[[1.0; 2]])?.as_slice(), [3.0; 2]);
    assert!(net.same(&[[1.0; 2]], &[[1.0; 3]]).is_err());
    Ok(())
}

network! {
    struct Step<const D: usize> {
        l: Linear(D -> D),
    }
    fn forward(x: [B, D]) -> [B, D] { l(x) }
    fn undo(x: [B, D]) -> [B, D] { x - l(x) }
}

network! {
    struct Members {
        list: [Step<4>, Step<4>],
        chain: Sequential(Step<4>, Tanh(), Step<4>),
    }
    fn forward(x: [B, 4]) -> ([B, 4], [B, 4], [B, 4]) {
        (list[-1].undo(list[0].forward(x)), list[1].l(x), chain[2].undo(chain[0](x)))
    }
    fn in_words(x: [B, 4]) -> ([B, 4], [B, 4], [B, 4]) {
        let y = list[0](x);
        let z = chain[0](x);
        (y - list[1](y), list[1](x), z - chain[2](z))
    }
}

#[test]
fn members_have_functions_and_layers() -> netform::Result<()> {
    let net = Members::new(Cpu::f64(), 1)?;
    let x = wave(&[2, 4], 0.3);
    let ((a, b, c), (d, e, f)) = (net.forward(&x)?, net.in_words(&x)?);
    for (have, want) in [(a, d), (b, e), (c, f)] {
        near("members", &have.to_tensor(), &want.to_tensor(), 1e-12);
    }
    Ok(())
}

const STAGES: [(usize, usize); 3] = [(4, 6), (6, 6), (6, 2)];

network! {
    struct Chosen<const WIDE: bool, const K: usize> {
        stages: [Linear(if i == 0 { 4 } else { STAGES[i - 1].1 } -> STAGES[i].1); 3],
        hidden: Linear(2 -> if WIDE { 3 * K } else if K > 2 { K } else { 1 }),
        out: Linear(if WIDE { 3 * K } else if K > 2 { K } else { 1 } -> 2),
        drop: Dropout(p = if K > 1 { 1 / 4 } else { 0.5 }),
        scale: Param[2] = full(1e-1),
    }
    fn forward(x: [B, 4]) -> [B, 2] {
        let mut x = x;
        for (i, stage) in enumerate(stages) {
            x = stage(x);
            if i < STAGES.len() - 1 && max(i, 1) < STAGES.len() && STAGES[i].1 != 2 { x = relu(x); }
        }
        out(hidden(drop(x * scale)))
    }
}

network! {
    struct Choices { wide: Chosen<true, 2>, plain: Chosen<false, 3>, one: Chosen<false, 1> }
    fn forward(x: [B, 4]) -> ([B, 2], [B, 2], [B, 2]) { (wide(x), plain(x), one(x)) }
}

network! {
    struct InWords {
        stages: [Linear(4 -> 6), Linear(6 -> 6), Linear(6 -> 2)],
        hidden: Linear(2 -> 6),
        out: Linear(6 -> 2),
        scale: Param[2] = constant(0.1),
    }
    fn forward(x: [B, 4]) -> [B, 2] {
        let mut x = x;
        let x = stages[2](relu(stages[1](relu(stages[0](x)))));
        out(hidden(x * scale))
    }
}

network! {
    struct HoldsWords { wide: InWords }
    fn forward(x: [B, 4]) -> [B, 2] { wide(x) }
}

#[test]
fn declarations_choose() -> netform::Result<()> {
    let net = Choices::new(Cpu::f64(), 1)?;
    let words = HoldsWords::new(Cpu::f64(), 1)?;
    let x = wave(&[2, 4], 0.3);
    let (wide, _, _) = net.forward(&x)?;
    for (name, shape) in [
        ("plain.hidden.weight", [3, 2]),
        ("one.hidden.weight", [1, 2]),
    ] {
        assert_eq!(net.parameter(name)?.shape(), shape);
    }
    assert_eq!(wide.as_slice(), words.forward(&x)?.as_slice());
    Ok(())
}
