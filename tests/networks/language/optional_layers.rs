//! Layers that exist by a condition on constants: `#[when(S != 1)]`, and `if S != 1 { .. }` in functions.

use netform::Network;
use netform::prelude::*;

network! {
    /// The basic block of a ResNet, with the convolution of the skip connection only where sizes change.
    pub struct Block<const I: usize, const O: usize, const S: usize = 1> {
        conv1: Conv2d(I -> O, 3, stride = S, padding = 1, bias = false),
        bn1: BatchNorm2d(O),
        conv2: Conv2d(O -> O, 3, padding = 1, bias = false),
        bn2: BatchNorm2d(O),
        #[when(S != 1 || I != O)]
        downsample: Sequential(Conv2d(I -> O, 1, stride = S, bias = false), BatchNorm2d(O)),
    }
    fn forward(x: [B, I, H, W]) -> [B, O, floor((H - 1) / S) + 1, floor((W - 1) / S) + 1] {
        let y = relu(bn1(conv1(x)));
        let skip = if S != 1 || I != O { downsample(x) } else { x };
        relu(bn2(conv2(y)) + skip)
    }
    fn loss(x: [B, I, H, W]) -> [] { forward(x).square().mean() }
}

network! {
    /// The same without conditions, sizes unchanged.
    struct Plain<const C: usize> {
        conv1: Conv2d(C -> C, 3, padding = 1, bias = false),
        bn1: BatchNorm2d(C),
        conv2: Conv2d(C -> C, 3, padding = 1, bias = false),
        bn2: BatchNorm2d(C),
    }
    fn forward(x: [B, C, H, W]) -> [B, C, H, W] {
        relu(bn2(conv2(relu(bn1(conv1(x))))) + x)
    }
    fn loss(x: [B, C, H, W]) -> [] { forward(x).square().mean() }
}

network! {
    /// The same without conditions, sizes changed.
    struct Down<const I: usize, const O: usize, const S: usize> {
        conv1: Conv2d(I -> O, 3, stride = S, padding = 1, bias = false),
        bn1: BatchNorm2d(O),
        conv2: Conv2d(O -> O, 3, padding = 1, bias = false),
        bn2: BatchNorm2d(O),
        downsample: Sequential(Conv2d(I -> O, 1, stride = S, bias = false), BatchNorm2d(O)),
    }
    fn forward(x: [B, I, H, W]) -> [B, O, floor((H - 1) / S) + 1, floor((W - 1) / S) + 1] {
        relu(bn2(conv2(relu(bn1(conv1(x))))) + downsample(x))
    }
    fn loss(x: [B, I, H, W]) -> [] { forward(x).square().mean() }
}

fn names(net: &impl Network) -> Vec<(String, Vec<usize>)> {
    let all = net.parameters();
    all.map(|p| (p.name().to_string(), p.shape().to_vec()))
        .collect()
}

fn image<const C: usize>() -> Vec<[[[f32; 5]; 5]; C]> {
    let value = |i: usize| ((i * 37 % 101) as f32 - 50.0) / 40.0;
    let pixel = |b, c, h, w| value(((b * C + c) * 5 + h) * 5 + w);
    let row = |b, c, h| std::array::from_fn(|w| pixel(b, c, h, w));
    let plane = |b, c| std::array::from_fn(|h| row(b, c, h));
    (0..2)
        .map(|b| std::array::from_fn(|c| plane(b, c)))
        .collect()
}

/// Names, values, memory and training of a variant are those of the network that has only its layers.
macro_rules! alike {
    ($optional:ty, $plain:ty, $c:literal) => {{
        let mut optional = <$optional>::new(Cpu::new(), 3)?;
        let mut plain = <$plain>::new(Cpu::new(), 3)?;
        assert_eq!(names(&optional), names(&plain));
        assert_eq!(<$optional>::PARAMETERS, <$plain>::PARAMETERS);
        assert_eq!(
            <$optional as Network>::PARAMETERS,
            <$plain as Network>::PARAMETERS
        );
        assert_eq!(
            <$optional>::loss_backward_memory(2, 5, 5),
            <$plain>::loss_backward_memory(2, 5, 5)
        );
        let layers =
            |g: netform::draw::Graph| g.layers.iter().map(|l| l.params.len()).sum::<usize>();
        assert_eq!(layers(<$optional>::graph()), layers(<$plain>::graph()));
        let x = image::<$c>();
        let (y, z) = (optional.forward(&x)?, plain.forward(&x)?);
        assert_eq!((y.shape(), y.to_vec()), (z.shape(), z.to_vec()));
        let (mut a, mut b) = (Sgd::new(0.1), Sgd::new(0.1));
        for _ in 0..3 {
            let (y, z) = (
                optional.loss_step(&mut a, &x)?,
                plain.loss_step(&mut b, &x)?,
            );
            assert_eq!(y.item()?, z.item()?);
        }
        let y = optional.loss_backward(&x)?.item()?;
        assert_eq!(y, plain.loss_backward(&x)?.item()?);
    }};
}

#[test]
fn a_skip_connection_with_a_layer_or_without() -> netform::Result<()> {
    alike!(Block<3, 3>, Plain<3>, 3);
    alike!(Block<3, 4>, Down<3, 4, 1>, 3);
    alike!(Block<3, 3, 2>, Down<3, 3, 2>, 3);
    alike!(Block<2, 5, 3>, Down<2, 5, 3>, 2);
    Ok(())
}

network! {
    /// Every condition is decided here but those of `last`, which depend on a const parameter.
    struct Stages<const W: usize, const LAST: usize> {
        first: Block<W, W>,
        second: Block<W, 2 * W, 2>,
        #[name = "third"]
        rest: [Block<2 * W, 2 * W>; 2],
        last: Block<2 * W, LAST>,
    }
    fn forward(x: [B, W, H, H]) -> [B, LAST] {
        last(rest(second(first(x)))).mean([2, 3])
    }
    fn loss(x: [B, W, H, H]) -> [] { forward(x).square().mean() }
}

#[test]
fn blocks_within_a_network() -> netform::Result<()> {
    let has = |net: &dyn Fn() -> Vec<(String, Vec<usize>)>, part: &str| {
        net().iter().any(|(name, _)| name.starts_with(part))
    };
    let same = Stages::<2, 4>::new(Cpu::new(), 0)?;
    let other = Stages::<2, 3>::new(Cpu::new(), 0)?;
    let (same_names, other_names) = (|| names(&same), || names(&other));
    for (part, in_same, in_other) in [
        ("first.downsample", false, false),
        ("second.downsample.1.weight", true, true),
        ("third.1.downsample", false, false),
        ("last.downsample.0.weight", false, true),
    ] {
        assert_eq!(has(&same_names, part), in_same, "{part}");
        assert_eq!(has(&other_names, part), in_other, "{part}");
    }
    assert_eq!(same.forward(&image::<2>())?.shape(), [2, 4]);
    assert_eq!(other.forward(&image::<2>())?.shape(), [2, 3]);
    let mut net = Stages::<2, 3>::new(Cpu::new(), 0)?;
    let mut adam = Adam::new(0.01);
    let first = net.loss_step(&mut adam, &image::<2>())?.item()?;
    for _ in 0..5 {
        net.loss_step(&mut adam, &image::<2>())?;
    }
    assert!(net.loss(&image::<2>())?.item()? < first);
    Ok(())
}

const DEPTH: usize = 2;
const NORM: usize = 0;
const SIZE: usize = 6;

network! {
    /// Rust constants decide, in fields and in functions; `else if`, statements, parameters and tied weights.
    struct Chosen<const TIED: usize = 1> {
        token: Embedding(10 -> SIZE),
        #[when(DEPTH >= 2)]
        second: Linear(SIZE -> SIZE),
        #[when(NORM == 1)]
        norm: LayerNorm(SIZE),
        #[when(DEPTH % 2 == 0)]
        scale: Param[SIZE] = ones,
        #[when(!(TIED == 1))]
        head: Linear(SIZE -> 10, bias = false),
    }
    fn forward(x: u32[B]) -> [B, 10] {
        let mut h = token(x);
        if DEPTH >= 2 { h = tanh(second(h)); }
        if NORM == 1 {
            h = norm(h);
        } else if DEPTH % 2 == 0 {
            h *= scale;
        } else {
            h = 0 - h;
        }
        if TIED == 1 { h @ token.weight.t() } else { head(h) }
    }
    fn loss(x: u32[B], y: u32[B]) -> [] { cross_entropy(forward(x), y) }
}

#[test]
fn constants_choose() -> netform::Result<()> {
    let tied = Chosen::<1>::new(Cpu::new(), 1)?;
    let free = Chosen::<0>::new(Cpu::new(), 1)?;
    let list = |net: Vec<(String, Vec<usize>)>| {
        let all: Vec<String> = net.into_iter().map(|(name, _)| name).collect();
        all.join(" ")
    };
    let shared = "token.weight second.weight second.bias scale";
    assert_eq!(list(names(&tied)), shared);
    assert_eq!(list(names(&free)), format!("{shared} head.weight"));
    let mut net = Chosen::<0>::new(Cpu::new(), 1)?;
    let mut adam = Adam::new(0.1);
    for _ in 0..30 {
        net.loss_step(&mut adam, &[1, 2, 3], &[4, 5, 6])?;
    }
    for (row, class) in net.forward(&[1, 2, 3])?.iter().zip([4, 5, 6]) {
        assert!(row.iter().all(|score| *score <= row[class]), "{row:?}");
    }
    Ok(())
}

network! {
    /// Arrays, buffers, tied and frozen layers by a condition; `#[recompute]`, `#[draw]`, `#[state]`, any rank.
    pub struct Mixed<const S: usize, const T: usize = 2> {
        token: Embedding(10 -> 8),
        #[when(S > 1)]
        #[recompute]
        more: [Linear(8 -> 8); 3],
        #[when(S > 1)]
        mean: Buffer[8] = zeros,
        #[when(T == 1)]
        head: Linear(8 -> 10, bias = false),
        #[when(T != 1)]
        free: Linear(8 -> 10),
        #[frozen]
        #[when(S == 3)]
        norm: LayerNorm(8),
        head.weight = token.weight,
    }
    fn forward(x: u32[B]) -> [B, 10] {
        let mut h = token(x);
        if S > 1 {
            for layer in more { h = tanh(layer(h)); }
            mean = h.mean(0);
            h = h - mean;
        }
        if S == 3 { h = norm(h); }
        if T == 1 { head(h) } else { free(h) }
    }
    fn swish(x: [..]) -> [..] { if S == 3 { x * sigmoid(x) } else { x } }
    #[draw]
    fn loss(x: u32[B], y: u32[B]) -> [] { cross_entropy(swish(forward(x)), y) }
    fn step(#[state] s: [1, 8], x: [1, 8]) -> [1, 8] {
        s = s + if S > 1 { more[0](x) } else { x };
        s
    }
}

#[test]
fn the_rest_of_the_language_with_conditions() -> netform::Result<()> {
    let mut small = Mixed::<1, 1>::new(Cpu::new(), 1)?;
    let mut large = Mixed::<3>::new(Cpu::new(), 1)?;
    let layers = |g: netform::draw::Graph| g.layers.iter().map(|l| l.name).collect::<Vec<_>>();
    assert_eq!(layers(Mixed::<1, 1>::graph()), ["token", "head"]);
    assert_eq!(
        layers(Mixed::<3>::graph()),
        ["token", "more", "mean", "free", "norm"]
    );
    assert_eq!(
        (small.parameters().count(), large.parameters().count()),
        (1, 11)
    );
    let (x, y) = (&[1, 2], &[3, 4]);
    let first = large.loss(x, y)?.item()?;
    for _ in 0..10 {
        small.loss_step(&mut Sgd::new(0.1), x, y)?;
        large.loss_step(&mut Sgd::new(0.1), x, y)?;
    }
    assert!(large.loss(x, y)?.item()? < first);
    assert!(large.loss_draw(x, y)?.svg().len() > small.loss_draw(x, y)?.svg().len());
    // The buffer is assigned in training only.
    assert!(
        large
            .parameter("mean")?
            .to_f64_vec()
            .iter()
            .any(|m| *m != 0.0)
    );
    let mut s = small.state()?;
    small.step(&[[1.0; 8]], &mut s)?;
    assert_eq!(small.step(&[[0.5; 8]], &mut s)?.to_vec(), [[1.5; 8]]);
    Ok(())
}
