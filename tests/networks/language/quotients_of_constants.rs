//! Sizes of constants that only rustc can compare, quotients of constants that are numbers or sizes, and divisors that
//! come after their uses.

use netform::prelude::*;

const SIDE: usize = 16;
const PATCH: usize = 2;
const FEATURES: usize = 12;
const STEPS: usize = 5;
const END: f64 = 2.0;
const WIDTH: usize = 8;

network! {
    /// Joins neighbouring cells: their number must be even.
    pub struct Merge<const R: usize, const D: usize> {
        reduction: Linear(4 * D -> 2 * D),
    }
    fn forward(x: [B, R * R, D]) -> [B, (R / 2) ** 2, 2 * D] {
        let x = x.view(B, R, R, D);
        let parts = cat([x[:, 0::2, 0::2], x[:, 1::2, 0::2], x[:, 0::2, 1::2], x[:, 1::2, 1::2]], dim = -1);
        reduction(parts.view(B, -1, 4 * D))
    }
}

network! {
    /// The outputs of a number of blocks, joined: `(2 + N) * C / 2` features.
    pub struct Csp<const C: usize, const N: usize>
    where
        C % 2 == 0,
    {
        first: Linear(C -> C),
        blocks: [Linear(C / 2 -> C / 2); N],
        last: Linear((2 + N) * C / 2 -> C),
    }
    fn forward(x: [B, C]) -> [B, C] {
        let y = first(x);
        let (_, mut part) = y.chunk(2, dim = 1);
        let mut all = zeros([N, B, C / 2]);
        for (block, slot) in zip(blocks, all) {
            part = block(part);
            slot = part;
        }
        last(cat([y, all.transpose(0, 1).flatten(1)], dim = 1))
    }
}

network! {
    pub struct Pyramid {
        join: Conv2d(3 -> 3, 1),
    }
    /// The smallest map comes last and gives `H` and `W`.
    fn forward(a: [B, 3, 4 * H, 4 * W], b: [B, 3, 2 * H, 2 * W], c: [B, 3, H, W]) -> [B, 3, 4 * H, 4 * W] {
        let b = b + interpolate(join(c), scale_factor = 2);
        a + interpolate(b, scale_factor = 2)
    }
}

network! {
    struct Net {
        patches: Conv2d(3 -> FEATURES, PATCH, stride = PATCH),
        merge: Merge<{ SIDE / PATCH }, FEATURES>,
        csp: Csp<FEATURES, 3>,
        halves: [Conv2d(3 -> 3, 3, stride = 2, padding = 1); 3],
        pyramid: Pyramid,
    }
    fn forward(x: [B, 3, SIDE, SIDE]) -> [B, 2 * FEATURES] {
        merge(patches(x).flatten(2).transpose(1, 2)).mean(1)
    }
    fn pyramid_of(x: [B, 3, SIDE, SIDE]) -> [B, 3] {
        let a = halves[0](x);
        let b = halves[1](a);
        pyramid(a, b, halves[2](b)).mean([2, 3])
    }
    /// An even number of positions: sines and cosines in turns.
    fn positions(x: [B, T, FEATURES]) -> [B, T, FEATURES] {
        let rate = 100.0 ** (2 * arange(FEATURES / 2) / FEATURES);
        let angle = arange(T).unsqueeze(1) / rate;
        x + stack([angle.sin(), angle.cos()], dim = 2).flatten(1)
    }
    /// `END / STEPS` is a number, `FEATURES / WIDTH` is not a size and `2 * WIDTH / 4` is one.
    fn solved(x: [B, FEATURES]) -> [B, FEATURES] {
        let dt = END / STEPS;
        let mut x = x;
        for i in 0..STEPS { x = x + dt * x * (i * dt); }
        x * (FEATURES / WIDTH) + zeros(B, 3, 2 * WIDTH / 4).flatten(1)
    }
    fn loss(x: [B, 3, SIDE, SIDE]) -> [] { forward(x).mean() + csp(forward(x)[:, :12]).mean() + pyramid_of(x).mean() }
}

#[test]
fn sizes_of_constants_are_compared_by_rustc() -> netform::Result<()> {
    let mut net = Net::new(Cpu::f64(), 1)?;
    let x = Tensor::zeros::<f64>([2, 3, SIDE, SIDE])?;
    assert_eq!(net.forward(&x)?.shape(), [2, 24]);
    assert_eq!(net.pyramid_of(&x)?.shape(), [2, 3]);
    net.loss_step(&mut Sgd::new(0.1), &x)?;
    let y = net
        .positions(&Tensor::zeros::<f64>([1, 3, FEATURES])?)?
        .to_tensor()
        .to_f64_vec();
    for t in 0..3 {
        for k in 0..FEATURES / 2 {
            let angle = t as f64 / 100f64.powf(2.0 * k as f64 / FEATURES as f64);
            let row = &y[t * FEATURES..];
            assert!((row[2 * k] - angle.sin()).abs() < 1e-12, "{t} {k}");
            assert!((row[2 * k + 1] - angle.cos()).abs() < 1e-12, "{t} {k}");
        }
    }
    Ok(())
}

#[test]
fn quotients_of_constants_are_numbers_beside_tensors() -> netform::Result<()> {
    let net = Net::new(Cpu::f64(), 1)?;
    let y = net.solved(&[[1.0; FEATURES]])?;
    let wanted = (0..STEPS).fold(1.0, |x, i| x + 0.4 * x * (i as f64 * 0.4)) * 1.5;
    for y in y.as_slice() {
        assert!((y - wanted).abs() < 1e-12, "{y} {wanted}");
    }
    Ok(())
}
