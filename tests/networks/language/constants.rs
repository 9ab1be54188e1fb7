//! Rust constants wherever a number stands: a network written with them is the network written with their values.

use netform::Tensor;
use netform::prelude::*;

const WIDTH: usize = 8;
const HEADS: usize = 2;
const SIDE: usize = 8;
const PATCH: usize = 2;
const PATCHES: usize = (SIDE / PATCH) * (SIDE / PATCH);
const KERNEL: usize = 3;
const STRIDE: usize = 2;
const GROUPS: usize = 4;
const LAYERS: usize = 2;
const CLASSES: usize = 5;

mod other {
    use netform::prelude::*;

    /// Another constant of the same name and value.
    const WIDTH: usize = 8;
    network! {
        pub struct Mixer { inner: Linear(WIDTH -> 2 * WIDTH), outer: Linear(16 -> WIDTH) }
        fn forward(x: [B, T, WIDTH]) -> [B, T, 8] { x + outer(gelu(inner(x))) }
    }
}

network! {
    struct Heads<const D: usize, const H: usize, const E: usize> { q: Linear(D -> H * E), o: Linear(D -> D) }
    // D is 8 * H here only if `H * E` is D, which the network around it decides.
    fn forward(x: [B, T, D]) -> [B, T, D] { o(q(x).reshape([B, T, H, E]).flatten(2)) }
}

network! {
    use const SIDE, CLASSES;
    struct Named {
        patches: Conv2d(1 -> WIDTH, kernel_size = PATCH, stride = PATCH),
        positions: Param[PATCHES, WIDTH] = normal(0.5),
        heads: Heads<WIDTH, HEADS, 4>,
        mixers: [other::Mixer; LAYERS],
        attention: MultiheadAttention(WIDTH, HEADS),
        encoder: TransformerEncoder(TransformerEncoderLayer(8, HEADS, dim_feedforward = 2 * WIDTH, dropout = 0), LAYERS),
        same: Conv1d(8 -> 8, KERNEL, padding = KERNEL / 2),
        along: Conv1d(8 -> WIDTH, KERNEL, stride = STRIDE, padding = KERNEL / 2, dilation = PATCH, groups = GROUPS),
        back: ConvTranspose1d(8 -> 8, KERNEL, stride = STRIDE, output_padding = STRIDE - 1),
        pool: MaxPool1d(PATCH, stride = STRIDE, ceil_mode = true),
        head: Linear(WIDTH -> CLASSES),
    }
    fn forward(x: [B, 1, SIDE, SIDE]) -> [B, CLASSES] {
        let mut x = patches(x).flatten(2).transpose(1, 2) + positions;
        x = heads(x);
        for mixer in mixers { x = mixer(x); }
        x = x + attention(x, x, x).0;
        let y = encoder(x).transpose(1, 2);
        let y = y + same(y);
        let y = along(pad(y, [KERNEL - 1, 0]));
        let y = pool(avg_pool1d(back(y), KERNEL, stride = 1, padding = KERNEL / 2));
        head(max_pool1d(y, KERNEL).mean(dim = -1))
    }
    fn loss(x: [B, 1, SIDE, 8], y: u32[B]) -> [] { cross_entropy(forward(x), y) }
}

mod numbers {
    use netform::prelude::*;

    network! {
        pub struct Mixer { inner: Linear(8 -> 16), outer: Linear(16 -> 8) }
        fn forward(x: [B, T, 8]) -> [B, T, 8] { x + outer(gelu(inner(x))) }
    }
    network! {
        pub struct Heads { q: Linear(8 -> 8), o: Linear(8 -> 8) }
        fn forward(x: [B, T, 8]) -> [B, T, 8] { o(q(x).reshape([B, T, 2, 4]).flatten(2)) }
    }
    network! {
        pub struct Written {
            patches: Conv2d(1 -> 8, kernel_size = 2, stride = 2),
            positions: Param[16, 8] = normal(0.5),
            heads: Heads,
            mixers: [Mixer; 2],
            attention: MultiheadAttention(8, 2),
            encoder: TransformerEncoder(TransformerEncoderLayer(8, 2, dim_feedforward = 16, dropout = 0), 2),
            same: Conv1d(8 -> 8, 3, padding = 1),
            along: Conv1d(8 -> 8, 3, stride = 2, padding = 1, dilation = 2, groups = 4),
            back: ConvTranspose1d(8 -> 8, 3, stride = 2, output_padding = 1),
            pool: MaxPool1d(2, stride = 2, ceil_mode = true),
            head: Linear(8 -> 5),
        }
        fn forward(x: [B, 1, 8, 8]) -> [B, 5] {
            let mut x = patches(x).flatten(2).transpose(1, 2) + positions;
            x = heads(x);
            for mixer in mixers { x = mixer(x); }
            let (y, _) = attention(x, x, x);
            let y = encoder(x + y).transpose(1, 2);
            let y = y + same(y);
            let y = along(pad(y, [2, 0]));
            let y = pool(avg_pool1d(back(y), 3, stride = 1, padding = 1));
            head(max_pool1d(y, 3).mean(dim = -1))
        }
        fn loss(x: [B, 1, 8, 8], y: u32[B]) -> [] { cross_entropy(forward(x), y) }
    }
}

const RATE: f64 = 0.25;
const SLOPE: f64 = -0.5;
const EPS: f64 = 1e-3;
const STD: f64 = 0.1;
const FULL: f64 = 1.0;

mod scaled {
    use netform::prelude::*;

    pub const FACTOR: f64 = 1.5;
    network! {
        use const FACTOR: f64;
        pub struct Scaled { slope: LeakyReLU(FACTOR) }
        fn forward(x: [B, 4]) -> [B, 4] { slope(x) * FACTOR }
    }
}

network! {
    use const SLOPE: f64, FULL: f64;
    struct Floats {
        w: Param[4, WIDTH] = normal(STD),
        norm: LayerNorm(WIDTH, eps = EPS),
        batch: BatchNorm1d(WIDTH, eps = EPS, momentum = RATE),
        drop: Dropout(RATE),
        relu: LeakyReLU(negative_slope = -SLOPE / 2),
        attention: MultiheadAttention(WIDTH, 2, dropout = 1 - RATE),
        scaled: scaled::Scaled,
    }
    fn forward(x: [B, 4]) -> [B, 8] {
        let y = relu(norm(drop(scaled(x) @ w))) * SLOPE + SLOPE / 2;
        let y = elu(batch(y) * (WIDTH - RATE), alpha = RATE) ** 2;
        attention(y.unsqueeze(1)).squeeze(1) + dropout(y, FULL)
    }
    fn loss(x: [B, 4], y: u32[B]) -> [] { cross_entropy(forward(x), y, label_smoothing = RATE) }
}

mod floats_as_numbers {
    use netform::prelude::*;

    network! {
        pub struct Scaled { slope: LeakyReLU(1.5) }
        fn forward(x: [B, 4]) -> [B, 4] { slope(x) * 1.5 }
    }
    network! {
        pub struct Floats {
            w: Param[4, 8] = normal(0.1),
            norm: LayerNorm(8, eps = 0.001),
            batch: BatchNorm1d(8, eps = 0.001, momentum = 0.25),
            drop: Dropout(0.25),
            relu: LeakyReLU(negative_slope = 0.25),
            attention: MultiheadAttention(8, 2, dropout = 0.75),
            scaled: Scaled,
        }
        fn forward(x: [B, 4]) -> [B, 8] {
            let y = relu(norm(drop(scaled(x) @ w))) * -0.5 - 0.25;
            let y = elu(batch(y) * 7.75, alpha = 0.25) ** 2;
            attention(y.unsqueeze(1)).squeeze(1) + dropout(y, 1.0)
        }
        fn loss(x: [B, 4], y: u32[B]) -> [] { cross_entropy(forward(x), y, label_smoothing = 0.25) }
    }
}

fn images() -> Tensor {
    let values = (0..3 * SIDE * SIDE).map(|i| ((i * 37 % 64) as f64 - 31.0) / 16.0);
    Tensor::from_vec([3, 1, SIDE, SIDE], values.collect::<Vec<f64>>()).expect("the sizes fit")
}

/// Factors that only rustc knows multiply where known ones divide.
fn near(a: &Tensor, b: &Tensor, what: &str) {
    assert_eq!(a.shape(), b.shape(), "{what}");
    for (a, b) in a.to_f64_vec().into_iter().zip(b.to_f64_vec()) {
        let close = (a - b).abs() <= 1e-12 * b.abs().max(1.0);
        assert!(close, "{what}: {a} and {b}");
    }
}

#[test]
fn constants_are_their_values() -> netform::Result<()> {
    let (x, classes) = (images(), [0u32, 4, 2]);
    let mut named = Named::new(Cpu::f64(), 3)?;
    let mut written = numbers::Written::new(Cpu::f64(), 3)?;
    assert_eq!(Named::PARAMETERS, numbers::Written::PARAMETERS);
    let results = (
        named.forward(&x)?.to_tensor(),
        written.forward(&x)?.to_tensor(),
    );
    near(&results.0, &results.1, "results");
    named.loss_backward(&x, &classes)?;
    written.loss_backward(&x, &classes)?;
    for (p, q) in named.parameters().zip(written.parameters()) {
        assert_eq!((p.name(), p.shape()), (q.name(), q.shape()));
        near(
            &named.gradient(p.name())?,
            &written.gradient(q.name())?,
            p.name(),
        );
    }
    Ok(())
}

#[test]
fn floats_are_their_values() -> netform::Result<()> {
    let x = Tensor::from_vec(
        [5, 4],
        (0..20).map(|i| f64::from(i * 7 % 20) - 9.5).collect(),
    )?;
    let classes = [0u32, 7, 3, 3, 1];
    let mut named = Floats::new(Cpu::f64(), 3)?;
    let mut written = floats_as_numbers::Floats::new(Cpu::f64(), 3)?;
    for _ in 0..2 {
        let losses = (
            named.loss_backward(&x, &classes)?,
            written.loss_backward(&x, &classes)?,
        );
        let losses = [losses.0.item()?, losses.1.item()?];
        assert!((losses[0] - losses[1]).abs() < 1e-12, "{losses:?}");
        for (p, q) in named.parameters().zip(written.parameters()) {
            near(
                &named.gradient(p.name())?,
                &written.gradient(q.name())?,
                p.name(),
            );
        }
        for (p, q) in named.buffers().zip(written.buffers()) {
            near(
                &named.parameter(p.name())?,
                &written.parameter(q.name())?,
                p.name(),
            );
        }
    }
    let results = (
        named.forward(&x)?.to_tensor(),
        written.forward(&x)?.to_tensor(),
    );
    near(&results.0, &results.1, "results");
    Ok(())
}

const TEMPERATURE: f64 = 0.5;
const SCALE: f32 = 2.0;
const SHIFT: i32 = -3;
const COPIES: usize = 2;

network! {
    /// Only bodies use the constants: they may have any type of numbers.
    struct Body { linear: Linear(4 -> 4) }
    fn forward(x: [B, 4]) -> [B, 4] {
        let scale = linear(x);
        (dropout(scale, p = TEMPERATURE) / TEMPERATURE * SCALE + SHIFT).expand([COPIES, B, 4]).sum(0) * (1.0 - TEMPERATURE)
    }
}

network! {
    struct Held { body: Body }
    fn forward(x: [B, 4]) -> [B, 4] { body(x) / TEMPERATURE }
    fn in_words(x: [B, 4]) -> [B, 4] { (body.linear(x) / 0.5 * 2 - 3) * 2 * 0.5 / 0.5 }
    fn bounds(x: [B, 4]) -> ([B, 4], i64[2]) {
        (clamp(x, 1.0 - TEMPERATURE, 1.0 + TEMPERATURE) + x.clamp(-TEMPERATURE, None), full(2, COPIES))
    }
    fn bounds_in_words(x: [B, 4]) -> ([B, 4], i64[2]) {
        (clamp(x, 0.5, 1.5) + x.clamp(-0.5, None), full([2], 2))
    }
}

#[test]
fn constants_of_bodies_have_any_type() -> netform::Result<()> {
    let net = Held::new(Cpu::f64(), 1)?;
    let x = [[0.5, -1.0, 2.0, 0.25]];
    near(
        &net.forward(&x)?.to_tensor(),
        &net.in_words(&x)?.to_tensor(),
        "a body",
    );
    let (a, b) = (net.bounds(&x)?, net.bounds_in_words(&x)?);
    near(&a.0.to_tensor(), &b.0.to_tensor(), "bounds");
    assert_eq!(a.1.to_tensor(), b.1.to_tensor());
    Ok(())
}
