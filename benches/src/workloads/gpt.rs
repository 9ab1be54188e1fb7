//! `gpt`: a language model of 4 blocks, width 128, 4 heads, over 65 symbols; batch 12, 64 elements,
//! cross entropy, AdamW 1e-3.

use crate::data::{ints, rows, scale};
use crate::place::Target;
use crate::run::{Report, Settings, run};
use netform::prelude::*;

network! {
    /// A block.
    struct Block<const D: usize, const HEADS: usize> {
        n1: LayerNorm(D),
        att: MultiheadAttention(D, num_heads = HEADS),
        n2: LayerNorm(D),
        up: Linear(D -> 4 * D),
        down: Linear(4 * D -> D),
    }
    fn forward(x: [B, T, D]) -> [B, T, D] {
        let x = x + att(n1(x), is_causal = true);
        x + down(gelu(up(n2(x))))
    }
}

network! {
    /// The network.
    struct Gpt {
        tok: Embedding(65 -> 128),
        pos: Embedding(64 -> 128),
        blocks: [Block<128, 4>; 4],
        nf: LayerNorm(128),
        head: Linear(128 -> 65, bias = false),
    }
    fn forward(ids: u32[B, 64]) -> [B, 64, 65] {
        let mut x = tok(ids) + pos(arange(64));
        for block in blocks { x = block(x); }
        head(nf(x))
    }
    fn loss(ids: u32[B, 64], y: u32[B, 64]) -> [] {
        cross_entropy(forward(ids).flatten(0, 1), y.flatten())
    }
}

/// Times it.
pub fn time<D: Target>(device: D, s: Settings) -> netform::Result<Report> {
    let sequences = |seed| rows::<64>(&ints(seed, 65, s.rows(12) * 64));
    let (x, y) = (sequences(1), sequences(2));
    let mut net = Gpt::new(device.clone(), 0)?;
    scale(&mut net, &["tok.weight", "pos.weight"], 0.02)?;
    if s.infer {
        let one = &x[..1];
        let loss = f64::from(net.loss(one, &y[..1])?.item()?);
        return run("gpt", &device, s, || net.forward(one), |_| Ok(loss));
    }
    let mut adam = AdamW::new(1e-3).weight_decay(0.01);
    run(
        "gpt",
        &device,
        s,
        || net.loss_step(&mut adam, &x, &y),
        |l| Ok(f64::from(l.item()?)),
    )
}
