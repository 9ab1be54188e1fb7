//! `Sequential(..)` and lists of unlike layers: PyTorch's names, called as one layer, looped over, chosen by number.

use netform::Tensor;
use netform::prelude::*;

network! {
    struct Block<const I: usize, const O: usize, const S: usize = 1> {
        conv1: Conv2d(I -> O, 3, stride = S, padding = 1, bias = false),
        bn1: BatchNorm2d(O),
        downsample: Sequential(Conv2d(I -> O, 1, stride = S, bias = false), BatchNorm2d(O)),
    }
    fn forward(x: [B, I, H, H]) -> [B, O, floor((H - 1) / S) + 1, floor((H - 1) / S) + 1] {
        relu(bn1(conv1(x)) + downsample(x))
    }
}

network! {
    struct Groups {
        features: Sequential(
            Conv2d(1 -> 4, 3, padding = 1),
            BatchNorm2d(4),
            ReLU(),
            MaxPool2d(2),
            Sequential(Conv2d(4 -> 4, 1), Sigmoid()),
        ),
        stages: [Block<4, 4>, Block<4, 8, 2>, Block<8, 8>],
        mlps: [Sequential(Linear(8 -> 16), GELU, Dropout(0.5), Linear(16 -> 8)); 3],
        heads: [Linear(8 -> 2), Linear(8 -> 3)],
        gates: [Linear(8 -> 8), Linear(8 -> 8)],
        #[frozen]
        named: Sequential(first = Linear(8 -> 8), act = Tanh(), last = LayerNorm(8)),
        #[name = "layer2.0.downsample.0"]
        other: Linear(8 -> 8),
        #[recompute]
        again: Sequential(Linear(8 -> 8), ReLU()),
    }
    fn body(x: [B, 1, 8, 8]) -> [B, 8] {
        let mut x = features(x);
        for stage in stages { x = stage(x); }
        let mut x = x.mean([2, 3]);
        for mlp in mlps { x = x + mlp(x); }
        named(again(other(x)))
    }
    fn forward(x: [B, 1, 8, 8]) -> ([B, 2], [B, 3]) {
        let mut y = body(x);
        for (gate, scale) in zip(gates, [0.5, 2]) {
            let part = sigmoid(gate(y));
            y *= part * scale;
        }
        (heads[0](y), heads[-1](y) + features[0].weight.sum() + mlps[1][0].bias.mean())
    }
    fn loss(x: [B, 1, 8, 8], y: u32[B]) -> [] {
        let (a, b) = forward(x);
        cross_entropy(b, y) + (a ** 2).mean()
    }
}

mod written {
    use netform::prelude::*;

    network! {
        pub struct Block<const I: usize, const O: usize, const S: usize> {
            conv1: Conv2d(I -> O, 3, stride = S, padding = 1, bias = false),
            bn1: BatchNorm2d(O),
            down0: Conv2d(I -> O, 1, stride = S, bias = false),
            down1: BatchNorm2d(O),
        }
        fn forward(x: [B, I, H, H]) -> [B, O, floor((H - 1) / S) + 1, floor((H - 1) / S) + 1] {
            relu(bn1(conv1(x)) + down1(down0(x)))
        }
    }
    network! {
        pub struct Groups {
            conv: Conv2d(1 -> 4, 3, padding = 1),
            bn: BatchNorm2d(4),
            conv2: Conv2d(4 -> 4, 1),
            s0: Block<4, 4, 1>,
            s1: Block<4, 8, 2>,
            s2: Block<8, 8, 1>,
            m0: [Linear(8 -> 16); 3],
            drop: Dropout(0.5),
            m3: [Linear(16 -> 8); 3],
            h0: Linear(8 -> 2),
            h1: Linear(8 -> 3),
            g: [Linear(8 -> 8); 2],
            #[frozen] n0: Linear(8 -> 8),
            #[frozen] n2: LayerNorm(8),
            other: Linear(8 -> 8),
            again: Linear(8 -> 8),
        }
        fn forward(x: [B, 1, 8, 8]) -> ([B, 2], [B, 3]) {
            let x = sigmoid(conv2(max_pool2d(relu(bn(conv(x))), 2)));
            let mut x = s2(s1(s0(x))).mean([2, 3]);
            for (a, b) in zip(m0, m3) { x = x + b(drop(gelu(a(x)))); }
            let y = n2(tanh(n0(relu(again(other(x))))));
            let y = y * sigmoid(g[0](y)) * 0.5;
            let y = y * sigmoid(g[1](y)) * 2;
            (h0(y), h1(y) + conv.weight.sum() + m0[1].bias.mean())
        }
        fn loss(x: [B, 1, 8, 8], y: u32[B]) -> [] {
            let (a, b) = forward(x);
            cross_entropy(b, y) + (a ** 2).mean()
        }
    }
}

/// PyTorch's names in the order of `Groups`, and those of the network without groups.
const NAMES: &[(&str, &str)] = &[
    ("features.0.weight", "conv.weight"),
    ("features.0.bias", "conv.bias"),
    ("features.1.weight", "bn.weight"),
    ("features.1.bias", "bn.bias"),
    ("features.4.0.weight", "conv2.weight"),
    ("features.4.0.bias", "conv2.bias"),
    ("stages.0.conv1.weight", "s0.conv1.weight"),
    ("stages.0.bn1.weight", "s0.bn1.weight"),
    ("stages.0.bn1.bias", "s0.bn1.bias"),
    ("stages.0.downsample.0.weight", "s0.down0.weight"),
    ("stages.0.downsample.1.weight", "s0.down1.weight"),
    ("stages.0.downsample.1.bias", "s0.down1.bias"),
    ("stages.1.conv1.weight", "s1.conv1.weight"),
    ("stages.1.bn1.weight", "s1.bn1.weight"),
    ("stages.1.bn1.bias", "s1.bn1.bias"),
    ("stages.1.downsample.0.weight", "s1.down0.weight"),
    ("stages.1.downsample.1.weight", "s1.down1.weight"),
    ("stages.1.downsample.1.bias", "s1.down1.bias"),
    ("stages.2.conv1.weight", "s2.conv1.weight"),
    ("stages.2.bn1.weight", "s2.bn1.weight"),
    ("stages.2.bn1.bias", "s2.bn1.bias"),
    ("stages.2.downsample.0.weight", "s2.down0.weight"),
    ("stages.2.downsample.1.weight", "s2.down1.weight"),
    ("stages.2.downsample.1.bias", "s2.down1.bias"),
    ("mlps.{}.0.weight", "m0.{}.weight"),
    ("mlps.{}.0.bias", "m0.{}.bias"),
    ("mlps.{}.3.weight", "m3.{}.weight"),
    ("mlps.{}.3.bias", "m3.{}.bias"),
    ("heads.0.weight", "h0.weight"),
    ("heads.0.bias", "h0.bias"),
    ("heads.1.weight", "h1.weight"),
    ("heads.1.bias", "h1.bias"),
    ("gates.0.weight", "g.0.weight"),
    ("gates.0.bias", "g.0.bias"),
    ("gates.1.weight", "g.1.weight"),
    ("gates.1.bias", "g.1.bias"),
    ("named.first.weight", "n0.weight"),
    ("named.first.bias", "n0.bias"),
    ("named.last.weight", "n2.weight"),
    ("named.last.bias", "n2.bias"),
    ("layer2.0.downsample.0.weight", "other.weight"),
    ("layer2.0.downsample.0.bias", "other.bias"),
    ("again.0.weight", "again.weight"),
    ("again.0.bias", "again.bias"),
];

#[test]
fn groups_are_their_layers() -> netform::Result<()> {
    let names: Vec<(String, String)> = NAMES
        .iter()
        .flat_map(|(a, b)| match a.contains("{}") {
            true => (0..3)
                .map(|i| {
                    (
                        a.replace("{}", &i.to_string()),
                        b.replace("{}", &i.to_string()),
                    )
                })
                .collect(),
            false => vec![((*a).to_owned(), (*b).to_owned())],
        })
        .collect();
    let mut groups = Groups::new(Cpu::f64(), 3)?;
    let mut plain = written::Groups::new(Cpu::f64(), 3)?;
    assert_eq!(Groups::PARAMETERS, written::Groups::PARAMETERS);
    for (of_groups, of_plain) in &names {
        plain.set_parameter(of_plain, &groups.parameter(of_groups)?)?;
    }
    let path = std::env::temp_dir().join("netform_groups.safetensors");
    groups.save(&path)?;
    let file = std::fs::read(&path).expect("the file");
    for (name, _) in &names {
        let quoted = format!("\"{name}\"");
        assert!(
            file.windows(quoted.len()).any(|w| w == quoted.as_bytes()),
            "{name}"
        );
    }
    let x = Tensor::from_vec(
        [3, 1, 8, 8],
        (0..192)
            .map(|i| f64::from(i * 37 % 64) / 16.0 - 2.0)
            .collect(),
    )?;
    let near = |a: &Tensor, b: &Tensor, what: &str| {
        for (a, b) in a.to_f64_vec().into_iter().zip(b.to_f64_vec()) {
            assert!(
                (a - b).abs() <= 1e-12 * b.abs().max(1.0),
                "{what}: {a} and {b}"
            );
        }
    };
    let (a, b) = groups.forward(&x)?;
    let (c, d) = plain.forward(&x)?;
    near(&a.to_tensor(), &c.to_tensor(), "first");
    near(&b.to_tensor(), &d.to_tensor(), "second");
    groups.loss_backward(&x, &[0u32, 2, 1])?;
    plain.loss_backward(&x, &[0u32, 2, 1])?;
    for (of_groups, of_plain) in &names {
        near(
            &groups.gradient(of_groups)?,
            &plain.gradient(of_plain)?,
            of_groups,
        );
    }
    Ok(())
}

network! {
    struct Experts {
        gate: Linear(4 -> 2),
        experts: [Sequential(Linear(4 -> 8), ReLU(), Linear(8 -> 4)); 2],
        norms: [LayerNorm(4), RMSNorm(4)],
    }
    fn forward(x: [B, 4]) -> [B, 4] {
        let w = softmax(gate(x), dim = -1);
        w[:, :1] * norms[0](experts[0](x)) + w[:, 1:] * norms[1](experts[1](x))
    }
}

network! {
    struct Layer { moe: Experts, out: Linear(4 -> 4) }
    fn forward(x: [B, 4]) -> [B, 4] { out(moe(x)) }
}

network! {
    struct Outer { layers: [Layer; 2], last: Layer }
    fn whole(x: [B, 4]) -> [B, 4] { layers[1].moe(last.moe.forward(x)) }
    fn in_parts(x: [B, 4]) -> [B, 4] {
        let w = softmax(last.moe.gate(x), dim = -1);
        let a = last.moe.norms[0](last.moe.experts[0](x));
        let x = w[:, :1] * a + w[:, 1:] * last.moe.norms[-1](last.moe.experts[1](x));
        let w = softmax(layers[1].moe.gate(x), dim = -1);
        let a = layers[1].moe.norms[0](layers[1].moe.experts[0](x));
        w[:, :1] * a + w[:, 1:] * layers[1].moe.norms[1](layers[1].moe.experts[1](x))
    }
    fn others(x: [B, 4]) -> [B, 4] { last(layers[0](layers[1].out(x))) }
}

#[test]
fn layers_of_networks_in_fields_are_called() -> netform::Result<()> {
    let net = Outer::new(Cpu::f64(), 3)?;
    let x = Tensor::from_vec([3, 4], (0..12).map(|i| f64::from(i) - 5.0).collect())?;
    let (a, b) = (net.whole(&x)?, net.in_parts(&x)?);
    assert_eq!(a.to_tensor(), b.to_tensor());
    assert_eq!(net.others(&x)?.shape(), [3, 4]);
    Ok(())
}

network! {
    struct Causal<const C: usize, const K: usize, const D: usize> { conv: Conv1d(C -> C, K, dilation = D) }
    fn forward(x: [B, C, T]) -> [B, C, T] { x + relu(conv(pad(x, [(K - 1) * D, 0]))) }
}

network! {
    struct ByPosition {
        blocks: [Causal<4, 3, { 2 ** i }>; 3],
        widths: [Sequential(Linear(4 * (i + 1) -> 4 * (i + 2)), Tanh()); 2],
    }
    fn forward(x: [B, 4, T]) -> [B, T, 12] {
        let mut x = x;
        for block in blocks { x = block(x); }
        let mut y = x.transpose(1, 2);
        for layer in widths { y = layer(y); }
        y
    }
    fn one(x: [B, 4, T]) -> [B, 4, T] { x + relu(conv1d(pad(x, [8, 0]), blocks[2].conv.weight, blocks[2].conv.bias, dilation = 4)) }
    fn third(x: [B, 4, T]) -> [B, 4, T] { blocks[2](x) }
}

#[test]
fn elements_of_arrays_know_their_number() -> netform::Result<()> {
    let net = ByPosition::new(Cpu::f64(), 3)?;
    let shapes: Vec<(String, Vec<usize>)> = net
        .parameters()
        .map(|p| (p.name().to_owned(), p.shape().to_vec()))
        .collect();
    assert!(shapes.contains(&("blocks.2.conv.weight".to_owned(), vec![4, 4, 3])));
    assert!(shapes.contains(&("widths.1.0.weight".to_owned(), vec![12, 8])));
    let x = Tensor::from_vec(
        [2, 4, 9],
        (0..72).map(|i| f64::from(i * 5 % 13) - 6.0).collect(),
    )?;
    assert_eq!(net.forward(&x)?.shape(), [2, 9, 12]);
    assert_eq!(net.one(&x)?.to_tensor(), net.third(&x)?.to_tensor());
    Ok(())
}

network! {
    struct Renamed {
        #[name = "transformer.wte"]
        token: Embedding(5 -> 4),
        #[name = "transformer.h.0"]
        block: Linear(4 -> 4),
        head: Linear(4 -> 5, bias = false),
        #[recompute]
        #[name = "h.lists_{}.layer"]
        lists: [Linear(4 -> 4), Linear(4 -> 4)],
        #[name = "encoder.layer_{}"]
        equal: [Linear(4 -> 4); 2],
        head.weight = token.weight,
    }
    fn forward(x: i64[B]) -> [B, 5] {
        let mut y = block(token(x));
        for layer in lists { y = layer(y); }
        y = equal(y);
        head(y) * block.weight.sum() + lists[1].bias.sum()
    }
    fn loss(x: i64[B], y: i64[B]) -> [] { cross_entropy(forward(x), y) }
}

#[test]
fn names_in_files_are_not_names_in_the_program() -> netform::Result<()> {
    let mut net = Renamed::new(Cpu::f64(), 3)?;
    let names: Vec<String> = net.parameters().map(|p| p.name().to_owned()).collect();
    assert_eq!(
        names[..3],
        [
            "transformer.wte.weight",
            "transformer.h.0.weight",
            "transformer.h.0.bias"
        ]
    );
    netform::check::gradients(&mut net, |net| {
        net.loss_backward(&[1i64, 4, 2], &[0i64, 3, 3])?.item()
    })?;
    Ok(())
}
