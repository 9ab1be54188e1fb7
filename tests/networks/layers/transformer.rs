//! Attention with every option, and the layers of the Transformer: gradients against differences, a stack against its
//! separate layers, PyTorch's names.

use netform::prelude::*;
use netform::{Network, Tensor};
use netform_networks::near::within;
use netform_networks::values::{booleans, noise};

network! {
    struct Attends {
        x: Param[2, 3, 6] = normal(1.0),
        memory: Param[2, 5, 4] = normal(1.0),
        other: Param[2, 5, 7] = normal(1.0),
        scores: Param[3, 3] = normal(1.0),
        by_head: Param[6, 3, 3] = normal(1.0),
        padding: Param[2, 3] = normal(1.0),
        own: MultiheadAttention(6, 3),
        cross: MultiheadAttention(6, 2, kdim = 4, vdim = 7, bias = false),
        more: MultiheadAttention(6, 3, add_bias_kv = true, add_zero_attn = true, dropout = 0.3),
        zero: MultiheadAttention(6, 1, bias = false, add_zero_attn = true),
    }
    fn loss(w: [], later: bool[3, 3], some: bool[6, 3, 3], keys: bool[2, 3], seen: bool[2, 5]) -> [] {
        let a = own(x, attn_mask = later, key_padding_mask = keys).square().mean();
        let b = own(x, attn_mask = scores, key_padding_mask = padding).square().mean();
        let c = own(x, attn_mask = some).square().mean() + own(x, attn_mask = by_head, is_causal = true).square().mean();
        let (y, weights) = cross(x, memory, other, key_padding_mask = seen, need_weights = true);
        let d = y.square().mean() + weights.square().sum();
        let (y, weights) = more(x, is_causal = true, key_padding_mask = keys, need_weights = true, average_attn_weights = false);
        let weights: [2, 3, 3, 5] = weights;
        let e = y.square().mean() + weights.square().sum();
        let f = zero(x, attn_mask = scores).square().mean();
        let (y, weights) = own(x[0], need_weights = true, attn_mask = by_head[0..3], key_padding_mask = keys[0]);
        let y: [3, 6] = y;
        let weights: [3, 3] = weights;
        (a + b + c + d + e + f + y.square().mean() + weights.square().sum()) * w
    }
    fn self_attention(x: [B, T, 6], hidden: bool[B, T]) -> [B, T, 6] {
        own(x, key_padding_mask = hidden)
    }
    fn weighing(x: [B, T, 6], hidden: bool[B, T]) -> [B, T, 6] {
        let (y, _) = own(x, key_padding_mask = hidden, need_weights = true);
        y
    }
    fn in_batch(x: [1, T, 6]) -> [1, T, 6] { own(x, is_causal = true) }
    fn alone(x: [T, 6]) -> [T, 6] { own(x, is_causal = true) }
}

#[test]
fn gradients_of_attention_with_every_option() {
    let mut net = Attends::new(Cpu::f64(), 2).unwrap();
    let later = booleans(&[3, 3], |i| i % 3 > i / 3);
    let some = booleans(&[6, 3, 3], |i| i % 3 != (i / 3) % 3 && i % 5 == 0);
    let keys = booleans(&[2, 3], |i| i == 2 || i == 4);
    let seen = booleans(&[2, 5], |i| i % 4 == 1);
    for name in [
        "more.in_proj_bias",
        "own.in_proj_bias",
        "more.out_proj.bias",
    ] {
        let shape = net.parameter(name).unwrap().shape().to_vec();
        net.set_parameter(name, &noise(&shape, 3)).unwrap();
    }
    netform_networks::finite::gradients(&mut net, |net| {
        net.loss_backward(1.0, &later, &some, &keys, &seen)?.item()
    })
    .unwrap();
}

#[test]
fn a_sequence_needs_no_batch() {
    let net = Attends::new(Cpu::f64(), 2).unwrap();
    let x = noise(&[1, 4, 6], 5);
    let flat = Tensor::from_vec([4, 6], x.to_f64_vec()).unwrap();
    let with = net.in_batch(&x).unwrap().to_tensor().to_f64_vec();
    assert_eq!(net.alone(&flat).unwrap().to_tensor().to_f64_vec(), with);
}

/// As in PyTorch: attention gives 0, and the output is the last map's bias; with `need_weights` the empty softmax is 0
/// / 0.
#[test]
fn a_row_without_keys_is_zero() {
    let net = Attends::new(Cpu::new(), 2).unwrap();
    let x = noise(&[2, 3, 6], 5);
    let hidden = booleans(&[2, 3], |i| i < 3);
    let y = net.self_attention(&x, &hidden).unwrap().to_tensor();
    let y = y.to_f64_vec();
    assert!(y[..18].iter().all(|y| *y == 0.0) && y[18..].iter().all(|y| *y != 0.0));
    let y = net.weighing(&x, &hidden).unwrap().to_tensor();
    let y = y.to_f64_vec();
    assert!(y[..18].iter().all(|y| y.is_nan()) && y[18..].iter().all(|y| y.is_finite()));
}

/// A sample of only padding makes no gradient NaN, with dropout or without.
#[test]
fn a_sample_of_padding() -> netform::Result<()> {
    let x = noise(&[2, 3, 6], 5);
    let hidden = booleans(&[2, 3], |i| i < 3);
    let mut net = Padded::new(Cpu::new(), 2)?;
    let check = |loss: f32, net: &Padded, name: &str| -> netform::Result<()> {
        assert!(loss.is_finite());
        let gradient = net.gradient(name)?.to_f64_vec();
        assert!(gradient.iter().all(|x| x.is_finite()), "{name}");
        assert!(gradient.iter().any(|x| x.abs() > 1e-3), "{name}");
        Ok(())
    };
    let loss = net.plain_backward(&x, &hidden)?.item()?;
    check(loss, &net, "layer.self_attn.in_proj_weight")?;
    let loss = net.dropped_backward(&x, &hidden)?.item()?;
    check(loss, &net, "dropping.self_attn.in_proj_weight")
}

network! {
    struct Padded {
        layer: TransformerEncoderLayer(6, 2, dim_feedforward = 8, dropout = 0.0),
        dropping: TransformerEncoderLayer(6, 2, dim_feedforward = 8, dropout = 0.5),
    }
    fn plain(x: [B, T, 6], hidden: bool[B, T]) -> [] { layer(x, src_key_padding_mask = hidden).pow(3).sum() }
    fn dropped(x: [B, T, 6], hidden: bool[B, T]) -> [] { dropping(x, src_key_padding_mask = hidden).pow(3).sum() }
}

network! {
    struct Products {
        q: Param[2, 6, 3, 4] = normal(1.0),
        k: Param[2, 2, 5, 4] = normal(1.0),
        v: Param[2, 2, 5, 3] = normal(1.0),
        mask: Param[3, 5] = normal(1.0),
    }
    fn by_group(w: []) -> [] {
        let y = scaled_dot_product_attention(q, k, v, attn_mask = mask, enable_gqa = true, scale = 0.3);
        y.square().sum() * w
    }
    fn by_head(w: []) -> [] {
        let k = stack([k, k, k], dim = 2).reshape(2, 6, 5, 4);
        let v = stack([v, v, v], dim = 2).reshape(2, 6, 5, 3);
        scaled_dot_product_attention(q, k, v, attn_mask = mask, scale = 0.3).square().sum() * w
    }
    fn some(w: [], takes_part: bool[3, 5]) -> [] {
        scaled_dot_product_attention(q[0, 0..2], k[0], v[0], attn_mask = takes_part, dropout_p = 0.25).square().sum() * w
    }
}

#[test]
fn grouped_queries_and_masks_of_products() {
    let mut net = Products::new(Cpu::f64(), 2).unwrap();
    let wanted = net.by_head_backward(1.0).unwrap().item().unwrap();
    let gradient = net.gradient("k").unwrap();
    let found = net.by_group_backward(1.0).unwrap().item().unwrap();
    assert!((found - wanted).abs() < 1e-12);
    within(&net.gradient("k").unwrap(), &gradient, 1e-12);
    netform_networks::finite::gradients(&mut net, |net| net.by_group_backward(1.0)?.item())
        .unwrap();
    let mask = booleans(&[3, 5], |i| i % 5 == i / 5 || i % 2 == 0);
    netform_networks::finite::gradients(&mut net, |net| net.some_backward(1.0, &mask)?.item())
        .unwrap();
}

network! {
    /// A stack, with sizes from outside.
    struct Stacked<const D: usize, const N: usize> {
        encoder: TransformerEncoder(
            TransformerEncoderLayer(D, 2, 2 * D, dropout = 0.25, activation = gelu, norm_first = true),
            num_layers = N,
            norm = LayerNorm(D),
        ),
        decoder: TransformerDecoder(
            TransformerDecoderLayer(D, 2, dim_feedforward = 3 * D, dropout = 0.0, bias = false),
            num_layers = N,
        ),
        src: Param[2, 4, D] = normal(1.0),
    }
    fn forward(tgt: [2, T, D], hidden: bool[2, 4], later: bool[T, T]) -> [2, T, D] {
        let memory = encoder(src, src_key_padding_mask = hidden);
        decoder(tgt, memory, tgt_mask = later, memory_key_padding_mask = hidden)
    }
    fn loss(tgt: [2, T, D], hidden: bool[2, 4], later: bool[T, T]) -> [] {
        forward(tgt, hidden, later).square().mean() + tanh(forward(tgt, hidden, later)).sum()
    }
}

network! {
    /// The same layer by layer.
    struct ByHand {
        encoder: [TransformerEncoderLayer(4, 2, 8, dropout = 0.25, activation = "gelu", norm_first = true); 3],
        norm: LayerNorm(4),
        decoder: [TransformerDecoderLayer(4, 2, dim_feedforward = 12, dropout = 0.0, bias = false); 3],
        src: Param[2, 4, 4] = normal(1.0),
    }
    fn forward(tgt: [2, T, 4], hidden: bool[2, 4], later: bool[T, T]) -> [2, T, 4] {
        let mut memory = src;
        for layer in encoder { memory = layer(memory, src_key_padding_mask = hidden); }
        memory = norm(memory);
        let mut y = tgt;
        for layer in decoder {
            y = layer(y, memory, tgt_mask = later, memory_key_padding_mask = hidden);
        }
        y
    }
    fn loss(tgt: [2, T, 4], hidden: bool[2, 4], later: bool[T, T]) -> [] {
        forward(tgt, hidden, later).square().mean() + tanh(forward(tgt, hidden, later)).sum()
    }
}

/// The name in `ByHand`.
fn by_hand(name: &str) -> String {
    name.replace("encoder.norm", "norm")
        .replace(".layers.", ".")
}

#[test]
fn a_stack_is_its_layers() {
    let mut net = Stacked::<4, 3, _>::new(Cpu::f64(), 5).unwrap();
    let mut hand = ByHand::new(Cpu::f64(), 5).unwrap();
    assert_eq!(net.parameters().count(), hand.parameters().count());
    for p in net.parameters() {
        hand.set_parameter(&by_hand(p.name()), &p.values().unwrap())
            .unwrap();
    }
    let (tgt, hidden) = (noise(&[2, 3, 4], 1), booleans(&[2, 4], |i| i == 3 || i > 5));
    let later = booleans(&[3, 3], |i| i % 3 > i / 3);
    let found = net.forward(&tgt, &hidden, &later).unwrap().to_tensor();
    let wanted = hand.forward(&tgt, &hidden, &later).unwrap().to_tensor();
    within(&found, &wanted, 1e-12);
    net.loss_backward(&tgt, &hidden, &later).unwrap();
    hand.loss_backward(&tgt, &hidden, &later).unwrap();
    for p in net.parameters() {
        let wanted = hand.gradient(&by_hand(p.name())).unwrap();
        within(&net.gradient(p.name()).unwrap(), &wanted, 1e-10);
    }
    // With dropout on, each layer draws other bits.
    netform_networks::finite::gradients(&mut net, |net| {
        net.loss_backward(&tgt, &hidden, &later)?.item()
    })
    .unwrap();
}

network! {
    struct Whole {
        model: Transformer(d_model = 6, nhead = 3, num_encoder_layers = 2, num_decoder_layers = 1, dim_feedforward = 5, dropout = 0.1),
    }
    fn forward(src: [B, S, 6], tgt: [B, T, 6]) -> [B, T, 6] { model(src, tgt, tgt_is_causal = true) }
    fn loss(src: [B, S, 6], tgt: [B, T, 6]) -> [] { tanh(forward(src, tgt)).sum() }
}

#[test]
fn pytorchs_names_and_starts() {
    let net = Whole::new(Cpu::new(), 0).unwrap();
    let attention = |a: &str| {
        [
            "in_proj_weight",
            "in_proj_bias",
            "out_proj.weight",
            "out_proj.bias",
        ]
        .map(|p| format!("{a}.{p}"))
    };
    let both = |l: &str| ["weight", "bias"].map(|p| format!("{l}.{p}"));
    let mut wanted = Vec::new();
    for (layer, decodes) in [
        ("encoder.layers.0", false),
        ("encoder.layers.1", false),
        ("decoder.layers.0", true),
    ] {
        let mut names = attention("self_attn").to_vec();
        if decodes {
            if !wanted.iter().any(|n: &String| n.contains("encoder.norm")) {
                wanted.extend(both("model.encoder.norm"));
            }
            names.extend(attention("multihead_attn"));
        }
        for part in ["linear1", "linear2", "norm1", "norm2", "norm3"] {
            if decodes || part != "norm3" {
                names.extend(both(part));
            }
        }
        wanted.extend(names.iter().map(|n| format!("model.{layer}.{n}")));
    }
    wanted.extend(both("model.decoder.norm"));
    let names: Vec<&str> = net.parameters().map(|p| p.name()).collect();
    assert_eq!(names, wanted);
    let largest = |name: &str| {
        let values = net.parameter(name).unwrap().to_f64_vec();
        values.iter().fold(0f64, |m, x| m.max(x.abs()))
    };
    // Glorot's bound, not that of `Linear`: sqrt(6 / (6 + 6)) and sqrt(6 / (6 + 5)).
    let bound = largest("model.decoder.layers.0.multihead_attn.out_proj.weight");
    assert!(bound < 0.5f64.sqrt() && bound > 0.5, "{bound}");
    let bound = largest("model.encoder.layers.1.linear1.weight");
    assert!(bound < (6f64 / 11.0).sqrt() && bound > 0.5, "{bound}");
    assert_eq!(
        largest("model.encoder.layers.1.self_attn.in_proj_bias"),
        0.0
    );
    assert_ne!(
        net.parameter("model.encoder.layers.0.linear1.weight")
            .unwrap(),
        net.parameter("model.encoder.layers.1.linear1.weight")
            .unwrap()
    );
}

#[test]
fn the_whole_learns_and_ends_as_it_began_in_a_file() {
    let mut net = Whole::new(Cpu::f64(), 0).unwrap();
    let (src, tgt) = (noise(&[2, 5, 6], 1), noise(&[2, 3, 6], 2));
    netform_networks::finite::gradients(&mut net, |net| net.loss_backward(&src, &tgt)?.item())
        .unwrap();
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("whole.safetensors");
    net.save(&path).unwrap();
    let mut other = Whole::new(Cpu::f64(), 1).unwrap();
    other.load(&path).unwrap();
    let out = |net: &Whole<Cpu<f64>>| net.forward(&src, &tgt).unwrap().to_tensor();
    assert_eq!(out(&net), out(&other));
    // Later elements do not change earlier results.
    let mut longer = tgt.to_f64_vec();
    longer[3 * 6 - 1] += 1.0;
    let changed = Tensor::from_vec([2, 3, 6], longer).unwrap();
    let changed = net
        .forward(&src, &changed)
        .unwrap()
        .to_tensor()
        .to_f64_vec();
    assert_eq!(changed[..12], out(&net).to_f64_vec()[..12]);
}

network! {
    /// Sequences without a batch.
    struct Alone {
        encode: TransformerEncoderLayer(8, 2, dim_feedforward = 5, dropout = 0.0),
        encoder: TransformerEncoder(TransformerEncoderLayer(8, 2, dim_feedforward = 5, dropout = 0.0), num_layers = 2),
        decode: TransformerDecoderLayer(8, 2, dim_feedforward = 5, dropout = 0.0),
        decoder: TransformerDecoder(TransformerDecoderLayer(8, 2, dim_feedforward = 5, dropout = 0.0), num_layers = 2, norm = LayerNorm(8)),
        model: Transformer(8, 2, num_encoder_layers = 1, num_decoder_layers = 1, dim_feedforward = 5, dropout = 0.0, batch_first = false),
    }
    fn alone(s: [S, 8], t: [T, 8], hidden: bool[S], seen: bool[T, T]) -> [T, 40] {
        let memory = encoder(encode(s, src_key_padding_mask = hidden), src_key_padding_mask = hidden);
        let y = decode(t, memory, tgt_mask = seen, memory_key_padding_mask = hidden);
        let z = decoder(y, s, tgt_is_causal = true, memory_key_padding_mask = hidden);
        let w = model(s, t, src_key_padding_mask = hidden, tgt_is_causal = true);
        cat([y, z, w, decode(t, s), t], dim = 1)
    }
    fn batch(s: [B, S, 8], t: [B, T, 8], hidden: bool[B, S], seen: bool[T, T]) -> [B, T, 40] {
        let memory = encoder(encode(s, src_key_padding_mask = hidden), src_key_padding_mask = hidden);
        let y = decode(t, memory, tgt_mask = seen, memory_key_padding_mask = hidden);
        let z = decoder(y, s, tgt_is_causal = true, memory_key_padding_mask = hidden);
        let turned = t.transpose(0, 1);
        let w = model(s.transpose(0, 1), turned, src_key_padding_mask = hidden, tgt_is_causal = true);
        cat([y, z, w.transpose(0, 1), decode(t, s), t], dim = 2)
    }
}

#[test]
fn one_sequence_is_a_batch_of_one() {
    let net = Alone::new(Cpu::f64(), 3).unwrap();
    let (s, t) = (noise(&[5, 8], 1), noise(&[4, 8], 2));
    let hidden = Tensor::from_vec([5], vec![false, false, true, false, true]).unwrap();
    let seen: Vec<bool> = (0..16).map(|i| i % 4 > i / 4).collect();
    let seen = Tensor::from_vec([4, 4], seen).unwrap();
    let alone = net.alone(&s, &t, &hidden, &seen).unwrap().to_tensor();
    let one = |x: &Tensor, shape: &[usize]| Tensor::from_vec(shape, x.to_f64_vec()).unwrap();
    let hidden = Tensor::from_vec([1, 5], vec![false, false, true, false, true]).unwrap();
    let (s, t) = (one(&s, &[1, 5, 8]), one(&t, &[1, 4, 8]));
    let batch = net.batch(&s, &t, &hidden, &seen).unwrap().to_tensor();
    assert_eq!(alone.to_f64_vec(), batch.to_f64_vec());
}

network! {
    struct Positions { x: Param[2, 3, 5, 6] = normal(1.0) }
    fn sinusoids(x: [T, D]) -> [T, D] { x * 0.0 + sinusoidal_positions(T, D) }
    fn turned(x: [B, T, 6]) -> [B, T, 6] { rotary(x) }
    fn halves(x: [B, T, 6]) -> [B, T, 6] { rotary(x, base = 100.0, interleaved = false) }
    fn at(x: [B, T, 6], positions: u32[T]) -> [B, T, 6] { rotary(x, positions = positions) }
    fn each(x: [B, T, 6], positions: u32[B, T]) -> [B, T, 6] { rotary(x, positions = positions) }
    fn heads(x: [B, H, T, 6], positions: u32[B, T]) -> [B, H, T, 6] { rotary(x, positions = positions.unsqueeze(1)) }
    fn loss(w: []) -> [] {
        let y = rotary(x) * w + rotary(x, interleaved = false, positions = arange(5));
        sin(y + sinusoidal_positions(5, 6)).sum()
    }
}

#[test]
fn positions_as_the_papers_have_them() {
    let mut net = Positions::new(Cpu::f64(), 0).unwrap();
    let (t, d) = (7, 5);
    let found = net.sinusoids(&noise(&[t, d], 0)).unwrap().to_tensor();
    let angle =
        |t: usize, i: usize, d: usize, base: f64| t as f64 / base.powf(2.0 * i as f64 / d as f64);
    let wanted = (0..t * d).map(|k| {
        let (t, j) = (k / d, k % d);
        let angle = angle(t, j / 2, d, 10000.0);
        if j % 2 == 0 { angle.sin() } else { angle.cos() }
    });
    within(
        &found,
        &Tensor::from_vec([t, d], wanted.collect()).unwrap(),
        1e-12,
    );
    let x = noise(&[2, 4, 6], 1);
    let values = x.to_f64_vec();
    let turned = |pair: &dyn Fn(usize) -> [usize; 2], base: f64| {
        let mut y = values.clone();
        for row in 0..8 {
            for i in 0..3 {
                let (sin, cos) = angle(row % 4, i, 6, base).sin_cos();
                let [a, b] = pair(i).map(|j| row * 6 + j);
                y[a] = values[a] * cos - values[b] * sin;
                y[b] = values[a] * sin + values[b] * cos;
            }
        }
        Tensor::from_vec([2, 4, 6], y).unwrap()
    };
    let found = net.turned(&x).unwrap().to_tensor();
    within(&found, &turned(&|i| [2 * i, 2 * i + 1], 10000.0), 1e-12);
    let halves = net.halves(&x).unwrap().to_tensor();
    within(&halves, &turned(&|i| [i, i + 3], 100.0), 1e-12);
    let at = net.at(&x, &[0u32, 1, 2, 3]).unwrap().to_tensor();
    within(&at, &found, 1e-12);
    netform_networks::finite::gradients(&mut net, |net| net.loss_backward(1.0)?.item()).unwrap();
}

/// Samples of a batch at different positions.
#[test]
fn positions_of_each_sample() {
    let net = Positions::new(Cpu::f64(), 0).unwrap();
    let x = noise(&[2, 3, 6], 1);
    let places = Tensor::from_vec([2, 3], vec![3u32, 4, 5, 0, 9, 2]).unwrap();
    let each = net.each(&x, &places).unwrap().to_tensor().to_f64_vec();
    let values = x.to_f64_vec();
    for (sample, places) in [[3u32, 4, 5], [0, 9, 2]].iter().enumerate() {
        let own = 18 * sample..18 * (sample + 1);
        let one = Tensor::from_vec([1, 3, 6], values[own.clone()].to_vec()).unwrap();
        let alone = net.at(&one, places).unwrap().to_tensor();
        assert_eq!(alone.to_f64_vec(), each[own]);
    }
    let doubled: Vec<f64> = values.chunks(18).flat_map(|x| [x, x].concat()).collect();
    let y = Tensor::from_vec([2, 2, 3, 6], doubled).unwrap();
    let heads = net.heads(&y, &places).unwrap().to_tensor().to_f64_vec();
    let wanted: Vec<f64> = each.chunks(18).flat_map(|x| [x, x].concat()).collect();
    assert_eq!(heads, wanted);
}

/// Products of rotated vectors depend on their distance, not on their positions.
#[test]
fn rotations_are_relative() {
    let net = Positions::new(Cpu::f64(), 0).unwrap();
    let x = noise(&[1, 2, 6], 1);
    let product = |positions: [u32; 2]| {
        let y = net.at(&x, &positions).unwrap().to_tensor().to_f64_vec();
        (0..6).map(|j| y[j] * y[6 + j]).sum::<f64>()
    };
    assert!((product([3, 8]) - product([10, 15])).abs() < 1e-12);
    assert!((product([3, 8]) - product([3, 9])).abs() > 1e-3);
}
