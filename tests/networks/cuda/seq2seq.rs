//! An encoder-decoder Transformer in training, compared with the CPU after each step.

use crate::device::cuda;
use netform::prelude::*;

const LENGTH: usize = 12;

network! {
    /// Reads a sequence, some shorter than others, and writes it in reverse.
    struct Reverse {
        source: Embedding(10 -> 32, padding_idx = 0),
        target: Embedding(10 -> 32, padding_idx = 0),
        model: Transformer(
            32,
            nhead = 4,
            num_encoder_layers = 2,
            num_decoder_layers = 2,
            dim_feedforward = 64,
            dropout = 0.0,
        ),
        head: Linear(32 -> 10),
        drop: Dropout(p = 0.1),
    }
    fn forward(src: u32[B, S], tgt: u32[B, T]) -> [B, T, 10] {
        let padding = src == 0;
        let s = drop(source(src) + sinusoidal_positions(S, 32));
        let t = drop(target(tgt) + sinusoidal_positions(T, 32));
        head(model(
            s,
            t,
            tgt_is_causal = true,
            src_key_padding_mask = padding,
            memory_key_padding_mask = padding,
        ))
    }
    fn loss(src: u32[B, S], tgt: u32[B, T], next: u32[B, T]) -> [] {
        cross_entropy(forward(src, tgt).flatten(0, 1), next.flatten(), ignore_index = 0)
    }
}

/// Symbols 2 to 9, then padding.
fn sequence(seed: u64) -> Vec<u32> {
    let mut x = vec![0f32; LENGTH];
    netform::fill_uniform(seed, 0, &mut x, 2.0, 10.0);
    let length = LENGTH - seed as usize % 3;
    x.into_iter().take(length).map(|x| x as u32).collect()
}

/// A sequence, the decoder's input (a start, then the symbols written so far), and its target.
fn sample(seed: u64) -> [[u32; LENGTH]; 3] {
    let forth = sequence(seed);
    let back: Vec<u32> = forth.iter().rev().copied().collect();
    let at = |all: &[u32], i: usize| all.get(i).copied().unwrap_or(0);
    [
        std::array::from_fn(|i| at(&forth, i)),
        std::array::from_fn(|i| if i == 0 { 1 } else { at(&back, i - 1) }),
        std::array::from_fn(|i| at(&back, i)),
    ]
}

#[test]
fn a_transformer_trains_as_on_the_cpu() {
    let mut gpu = Reverse::new(cuda(), 1).unwrap();
    let mut cpu = Reverse::new(Cpu::new(), 1).unwrap();
    let (mut a, mut b) = (Adam::new(1e-3), Adam::new(1e-3));
    let mut losses = Vec::new();
    for step in 0..20 {
        let samples: Vec<_> = (0..4).map(|i| sample(4 * step + i)).collect();
        let [x, y, z] = [0, 1, 2].map(|k| samples.iter().map(|s| s[k]).collect::<Vec<_>>());
        let mine = gpu.loss_step(&mut a, &x, &y, &z).unwrap().item().unwrap();
        let wanted = cpu.loss_step(&mut b, &x, &y, &z).unwrap().item().unwrap();
        assert!(
            (mine - wanted).abs() < 2e-5 * wanted.max(1.0),
            "step {step}: {mine} is not {wanted}"
        );
        losses.push(mine);
    }
    assert!(losses[19] < losses[0], "{losses:?}");
}
