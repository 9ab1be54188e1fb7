//! A program of more than 64 calls, whose steps are shared functions: against its blocks, each compiled alone into a
//! program below the limit. The blocks differ in their sizes.

use crate::custom::ops;
use netform::prelude::*;
use netform_networks::near::near;
use netform_networks::values::{integers, wave};

const SCALE: f64 = 0.25;

network! {
    /// Sizes, a scalar, a loop, positions, a custom op, attention and a buffer that depend on const parameters.
    struct Block<const D: usize, const K: usize> {
        up: Linear(D -> D * K),
        norm: LayerNorm(D * K),
        down: Linear(D * K -> D),
        attention: MultiheadAttention(D, num_heads = 2),
        weight: Param[D] = ones,
        seen: Buffer<i64>[K] = zeros,
    }

    #[custom(forward = ops::cubed, backward = ops::cubed_backward)]
    fn cubed(x: [B, N], w: [N]) -> [B, N];

    fn forward(x: [B, T, D], at: i64[B, T, D]) -> [B, T, D] {
        let x = x.gather(1, at);
        let x = x + SCALE * down(tanh(norm(up(x)))) / K;
        let x = x + attention(x, x, x, is_causal = true);
        let (last, rows) = scan(x, zeros([B, D]), |h, x_t| {
            let h = 0.5 * h + cubed(x_t, weight) / (T * K);
            (h, h + x_t)
        });
        seen = seen + 1;
        rows + last.unsqueeze(1) + arange(D).float() / 10.0
    }
}

network! {
    struct One<const K: usize> {
        block: Block<4, K>,
    }
    fn forward(#[grad] x: [B, T, 4], at: i64[B, T, 4]) -> [B, T, 4] { block(x, at) }
}

network! {
    struct Large {
        blocks: [Block<4, 1>, Block<4, 2>, Block<4, 3>, Block<4, 2>, Block<4, 5>],
    }
    fn forward(#[grad] x: [B, T, 4], at: i64[B, T, 4]) -> [B, T, 4] {
        let mut x = x;
        for block in blocks {
            x = block(x, at);
        }
        x
    }
}

/// From an input and the gradient of the result to the gradient of the input.
type Flow = Box<dyn FnOnce(&Tensor, &Tensor) -> netform::Result<Tensor>>;

#[test]
fn as_its_blocks_one_by_one() -> netform::Result<()> {
    let (b, t) = (2, 3);
    let mut large = Large::new(Cpu::f64(), 3)?;
    let (x, dy) = (wave(&[b, t, 4], 0.3), wave(&[b, t, 4], 0.7));
    let at = integers(&[b, t, 4], |i| (7 * i as i64) % 3);
    let y = large.forward(&x, &at)?.to_tensor();
    let dx = large.forward_vjp(&x, &at, &dy)?.to_tensor();

    let mut inputs = vec![x];
    let mut flows: Vec<Flow> = Vec::new();
    macro_rules! blocks {
        ($($number:literal $k:literal),*) => {$(
            let mut one = One::<$k, _>::new(Cpu::f64(), 0)?;
            let names: Vec<String> = one.parameters().map(|p| p.name().to_string()).collect();
            for name in names {
                let there = name.replace("block.", concat!("blocks.", $number, "."));
                one.set_parameter(&name, &large.parameter(&there)?)?;
            }
            let x = &inputs[inputs.len() - 1];
            inputs.push(one.forward(x, &at)?.to_tensor());
            flows.push(Box::new({
                let at = at.clone();
                move |x, dy| Ok(one.forward_vjp(x, &at, dy)?.to_tensor())
            }));
        )*};
    }
    blocks!(0 1, 1 2, 2 3, 3 2, 4 5);
    near("y", &y, &inputs[inputs.len() - 1], 1e-12);
    let mut flow = dy;
    for (x, back) in inputs.iter().zip(flows).rev() {
        flow = back(x, &flow)?;
    }
    near("dx", &dx, &flow, 1e-12);
    Ok(())
}

network! {
    /// Two statements on two lines that differ only in their sizes, in a program of more than 64 calls.
    struct Lines {
        rows: [Linear(3 -> 3); 1],
    }
    fn forward(x: [B, 3], wide: [B, 5], narrow: [B, 4], at: i64[B, 3]) -> [B, 3] {
        let mut y = x;
        for row in rows { y = tanh(row(y)); }
        for i in 0..40 {
            y = cumsum(tanh(y), 1);
        }
        let a = wide.gather(1, at);
        let b = narrow.gather(1, at);
        a + b + y
    }
}

#[test]
fn errors_name_the_line_of_their_call() -> netform::Result<()> {
    let net = Lines::new(Cpu::f64(), 1)?;
    let x = wave(&[2, 3], 0.3);
    let (wide, narrow) = (wave(&[2, 5], 0.3), wave(&[2, 4], 0.3));
    let line = |position: i64| {
        let at = integers(&[2, 3], |_| position);
        let error = net
            .forward(&x, &wide, &narrow, &at)
            .map(|_| ())
            .unwrap_err();
        let text = error.to_string();
        let line = text.split("large.rs:").nth(1).unwrap_or_default();
        line.chars()
            .take_while(char::is_ascii_digit)
            .collect::<String>()
    };
    // 5 is outside of both, 4 only of the second.
    let lines = [line(5), line(4)].map(|l| l.parse::<u32>());
    let [Ok(first), Ok(second)] = lines else {
        panic!("no lines in the errors: {lines:?}");
    };
    assert_eq!(first + 1, second);
    Ok(())
}
