//! The first networks of the design, unchanged: they compile and train.

use netform::prelude::*;

network! {
    /// A block of a transformer.
    pub struct Block<const D: usize, const HEADS: usize> {
        norm_1: LayerNorm(D),
        attention: MultiheadAttention(D, num_heads = HEADS),
        norm_2: LayerNorm(D),
        up: Linear(D -> 4 * D),
        down: Linear(4 * D -> D),
    }
    fn forward(x: [B, T, D]) -> [B, T, D] {
        let x = x + attention(norm_1(x), is_causal = true);
        x + down(gelu(up(norm_2(x))))
    }
}

network! {
    /// A language model on characters.
    pub struct Gpt {
        token: Embedding(65 -> 128),
        position: Embedding(64 -> 128),
        blocks: [Block<128, 4>; 4],
        norm: LayerNorm(128),
        head: Linear(128 -> 65, bias = false),
    }
    fn forward(tokens: u32[B, T]) -> [B, T, 65] {
        let mut x = token(tokens) + position(arange(T));
        for block in blocks { x = block(x); }
        head(norm(x))
    }
    fn loss(tokens: u32[B, T], targets: u32[B, T]) -> [] {
        cross_entropy(forward(tokens), targets)
    }
}

network! { // a custom recurrent cell
    /// Elman's network.
    pub struct Elman {
        input: Linear(16 -> 32),
        hidden: Linear(32 -> 32, bias = false),
    }
    fn forward(x: [B, T, 16]) -> [B, 32] {
        let (last, _all) = scan(x, zeros([B, 32]), |h, x_t| { // over T, as Iterator::scan
            let h = tanh(input(x_t) + hidden(h));
            (h, h) // next state, output of the step
        });
        last
    }
}

/// Text in which every character follows from the previous one.
fn text(b: usize, t: usize) -> (Tensor, Tensor) {
    let at = |k: usize| ((k * k / 3 + k) % 65) as u32;
    let ids = |shift: usize| -> Vec<u32> {
        (0..b)
            .flat_map(|row| (0..t).map(move |i| at(row * 5 + i + shift)))
            .collect()
    };
    (
        Tensor::from_vec([b, t], ids(0)).unwrap(),
        Tensor::from_vec([b, t], ids(1)).unwrap(),
    )
}

#[test]
fn the_gpt_trains() {
    let (x, y) = text(4, 16);
    let mut net = Gpt::new(Cpu::new(), 1).unwrap();
    let mut adam = AdamW::new(1e-3);
    let first = net.loss_step(&mut adam, &x, &y).unwrap().item().unwrap();
    // About the entropy of 65 equal probabilities.
    assert!((first - 65f32.ln()).abs() < 1.0, "{first}");
    for _ in 0..40 {
        net.loss_step(&mut adam, &x, &y).unwrap();
    }
    let last = net.loss(&x, &y).unwrap().item().unwrap();
    assert!(last < 0.2 * first, "{first} to {last}");
}

#[test]
fn its_names_are_pytorchs() {
    let net = Gpt::new(Cpu::new(), 1).unwrap();
    let names: Vec<&str> = net.parameters().map(|p| p.name()).collect();
    let wanted = [
        "token.weight",
        "position.weight",
        "blocks.0.norm_1.weight",
        "blocks.0.norm_1.bias",
        "blocks.0.attention.in_proj_weight",
        "blocks.0.attention.in_proj_bias",
        "blocks.0.attention.out_proj.weight",
        "blocks.0.attention.out_proj.bias",
        "blocks.0.norm_2.weight",
    ];
    assert_eq!(names[..9], wanted);
    assert_eq!(
        Block::<128, 4>::PARAMETERS * 4,
        Gpt::PARAMETERS - 65 * 128 * 2 - 64 * 128 - 256
    );
}

network! {
    /// The cell with a loss: it learns to tell what came first.
    struct Teller {
        cell: Elman,
        out: Linear(32 -> 2),
    }
    fn loss(x: [B, T, 16], y: u32[B]) -> [] {
        cross_entropy(out(cell(x)), y)
    }
}

#[test]
fn the_elman_network_trains() {
    let x: Vec<f32> = (0..8 * 5 * 16)
        .map(|i| if i % 80 == i / 80 { 1.0 } else { 0.0 })
        .collect();
    let x = Tensor::from_vec([8, 5, 16], x).unwrap();
    let y: Vec<u32> = (0..8).map(|i| i % 2).collect();
    let mut net = Teller::new(Cpu::new(), 1).unwrap();
    let mut adam = Adam::new(1e-2);
    let first = net.loss_step(&mut adam, &x, &y).unwrap().item().unwrap();
    for _ in 0..200 {
        net.loss_step(&mut adam, &x, &y).unwrap();
    }
    let last = net.loss(&x, &y).unwrap().item().unwrap();
    assert!(last < 0.1 * first, "{first} to {last}");
    // The cell alone returns its last state.
    let cell = Elman::new(Cpu::new(), 1).unwrap();
    assert_eq!(cell.forward(&x).unwrap().len(), 8);
}
