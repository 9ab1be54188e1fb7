//! `seq2seq`: an encoder-decoder Transformer of 2 and 2 layers (post-norm), width 128, 4 heads, over 64
//! symbols, sinusoidal positions; batch 32, 32 elements on each side, cross entropy, Adam 1e-3.

use crate::data::{ints, rows, scale};
use crate::place::Target;
use crate::run::{Report, Settings, run};
use netform::prelude::*;

network! {
    /// A layer of the encoder.
    struct Encoder<const D: usize, const HEADS: usize> {
        att: MultiheadAttention(D, num_heads = HEADS),
        up: Linear(D -> 4 * D),
        down: Linear(4 * D -> D),
        n1: LayerNorm(D),
        n2: LayerNorm(D),
    }
    fn forward(x: [B, T, D]) -> [B, T, D] {
        let x = n1(x + att(x));
        n2(x + down(relu(up(x))))
    }
}

network! {
    /// A layer of the decoder.
    struct Decoder<const D: usize, const HEADS: usize> {
        att: MultiheadAttention(D, num_heads = HEADS),
        cross: MultiheadAttention(D, num_heads = HEADS),
        up: Linear(D -> 4 * D),
        down: Linear(4 * D -> D),
        n1: LayerNorm(D),
        n2: LayerNorm(D),
        n3: LayerNorm(D),
    }
    fn forward(x: [B, T, D], m: [B, S, D]) -> [B, T, D] {
        let x = n1(x + att(x, is_causal = true));
        let x = n2(x + cross(x, m, m));
        n3(x + down(relu(up(x))))
    }
}

network! {
    /// The network.
    struct Seq2seq {
        es: Embedding(64 -> 128),
        et: Embedding(64 -> 128),
        enc: [Encoder<128, 4>; 2],
        dec: [Decoder<128, 4>; 2],
        out: Linear(128 -> 64),
    }
    fn positions() -> [32, 128] {
        let i = arange(64).float();
        let rate = exp(i * -0.14391156831212787);
        let angle = arange(32).float().unsqueeze(1) * rate;
        stack([sin(angle), cos(angle)], dim = 2).flatten(1)
    }
    fn forward(src: u32[B, 32], tgt: u32[B, 32]) -> [B, 32, 64] {
        let pe = positions();
        let mut m = es(src) * 11.313708498984761 + pe;
        for layer in enc { m = layer(m); }
        let mut x = et(tgt) * 11.313708498984761 + pe;
        for layer in dec { x = layer(x, m); }
        out(x)
    }
    fn loss(src: u32[B, 32], tgt: u32[B, 32], y: u32[B, 32]) -> [] {
        cross_entropy(forward(src, tgt).flatten(0, 1), y.flatten())
    }
}

/// Times it.
pub fn time<D: Target>(device: D, s: Settings) -> netform::Result<Report> {
    let sequences = |seed| rows::<32>(&ints(seed, 64, s.rows(32) * 32));
    let (src, tgt, y) = (sequences(1), sequences(3), sequences(2));
    let mut net = Seq2seq::new(device.clone(), 0)?;
    scale(&mut net, &["es.weight", "et.weight"], 128f64.powf(-0.5))?;
    if s.infer {
        let (src, tgt) = (&src[..1], &tgt[..1]);
        let loss = f64::from(net.loss(src, tgt, &y[..1])?.item()?);
        return run(
            "seq2seq",
            &device,
            s,
            || net.forward(src, tgt),
            |_| Ok(loss),
        );
    }
    let mut adam = Adam::new(1e-3);
    run(
        "seq2seq",
        &device,
        s,
        || net.loss_step(&mut adam, &src, &tgt, &y),
        |l| Ok(f64::from(l.item()?)),
    )
}
