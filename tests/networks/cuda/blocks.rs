//! Networks in networks, loops over arrays, shared parameters, recomputed blocks.

use netform::prelude::*;

network! {
    pub struct Block<const D: usize> {
        norm_1: LayerNorm(D),
        attention: MultiheadAttention(D, num_heads = 2),
        norm_2: RMSNorm(D),
        up: Linear(D -> 2 * D),
        down: Linear(2 * D -> D),
    }
    fn forward(x: [B, T, D]) -> [B, T, D] {
        let x = x + attention(norm_1(x), is_causal = true);
        x + down(gelu(up(norm_2(x))))
    }
}

network! {
    struct Gpt {
        token: Embedding(13 -> 10),
        position: Embedding(9 -> 10),
        blocks: [Block<10>; 3],
        norm: LayerNorm(10),
        head: Linear(10 -> 13, bias = false),
        head.weight = token.weight,
    }
    fn forward(tokens: u32[B, T]) -> [B, T, 13] {
        let mut x = token(tokens) + position(arange(T));
        for block in blocks { x = block(x); }
        head(norm(x))
    }
    fn loss(tokens: u32[B, T], targets: u32[B, T]) -> [] { cross_entropy(forward(tokens), targets) }
}

network! {
    /// Steps both ways, and one inside another network.
    struct Recurrent {
        input: Linear(3 -> 7),
        hidden: Linear(7 -> 7, bias = false),
        #[recompute]
        mix: Linear(7 -> 7),
        layers: [Linear(7 -> 7); 2],
    }
    fn forward(#[grad] x: [B, T, 3], #[grad] h0: [B, 7]) -> ([B, T, 7], [B, 7]) {
        let (last, all) = scan(x, h0, |h, x_t| {
            let h = tanh(input(x_t) + hidden(h));
            (h, mix(h))
        });
        let (_, back) = scan(all, zeros([B, 7]), |h, x_t| {
            let mut y = x_t;
            for layer in layers { y = y + tanh(layer(y)); }
            (0.5 * h + y, h * y)
        }, reverse = true);
        (back, last)
    }
    fn loss(x: [B, T, 3], h0: [B, 7]) -> [] {
        let (all, last) = forward(x, h0);
        all.square().mean() + last.sum()
    }
}

network! {
    /// Gradients of gradients.
    struct Critic { hidden: Linear(2 -> 16), out: Linear(16 -> 1) }
    fn score(x: [B, 2]) -> [B] { out(tanh(hidden(x))).squeeze(1) }
    fn loss(real: [B, 2], fake: [B, 2]) -> [] {
        let x = (real + fake) / 2.0;
        let slope = grad(score(x).sum(), x);
        score(fake).mean() - score(real).mean() + (slope.square().sum(1).sqrt() - 1.0).square().mean()
    }
}

mod scenario {
    use super::*;
    use crate::both::{Values, random};
    use netform::Result;

    pub fn a_transformer<D: Device>(device: D) -> Result<Values> {
        let mut net = Gpt::new(device, 3)?;
        let mut out = Values::default();
        for (b, t) in [(2, 9), (1, 1), (3, 5)] {
            let x: Vec<Vec<u32>> = (0..b)
                .map(|i| (0..t).map(|j| (i * 5 + j * 7) % 13).collect())
                .collect();
            let rows = Tensor::from_vec([b as usize, t as usize], x.concat())?;
            out.put("scores", net.forward(&rows)?.to_tensor());
            let loss = net.loss_backward(&rows, &rows)?.item()?;
            out.number("loss", netform::Float::to_f64(loss));
            out.network(&net);
        }
        Ok(out)
    }

    pub fn steps_both_ways<D: Device>(device: D) -> Result<Values> {
        let mut net = Recurrent::new(device, 4)?;
        let mut out = Values::default();
        // The third run of each shape is a replay.
        for (b, t) in [(2, 6), (1, 1), (33, 2), (2, 6), (2, 6)] {
            let x = random(&[b, t, 3], t as u64, (-1.0, 1.0));
            let h = random(&[b, 7], b as u64, (-1.0, 1.0));
            let (all, last) = net.forward(&x, &h)?;
            let (all, last) = (all.to_tensor(), last.to_tensor());
            let (dx, dh) = net.forward_vjp(&x, &h, &all, &last)?;
            out.put("dx", dx.to_tensor());
            out.put("dh", dh.to_tensor());
            drop((dx, dh));
            out.network(&net);
            net.loss_backward(&x, &h)?;
            net.loss_accumulate(&x, &h)?;
            out.network(&net);
            out.put("all", all);
            out.put("last", last);
        }
        Ok(out)
    }

    pub fn gradients_of_gradients<D: Device>(device: D) -> Result<Values> {
        let mut net = Critic::new(device, 5)?;
        let mut out = Values::default();
        let mut adam = Adam::new(1e-3);
        for step in 0..4 {
            let (real, fake) = (
                random(&[5, 2], step, (0.0, 1.0)),
                random(&[5, 2], 50 + step, (-1.0, 0.0)),
            );
            net.loss_step(&mut adam, &real, &fake)?;
            out.network(&net);
        }
        Ok(out)
    }
}

same! {
    a_transformer within 2e-5;
    steps_both_ways within 2e-5;
    gradients_of_gradients within 2e-5;
}
