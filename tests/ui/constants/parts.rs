use netform::prelude::*;

// A constant that only bodies use may be any number: where its quotient is a size or a position, rustc checks it.
const K: usize = 5;

network! {
    struct Net {
        linear: Linear(4 -> 4),
    }
    fn shape(x: [B, 4]) -> [B, 2] { linear(x)[:, :2] + zeros(B, 2 * (K / 4)) }
    fn position(x: [B, 4]) -> [B] { x[:, K / 2] }
    fn in_a_loop(x: [B, T]) -> [B] {
        let mut y = zeros(B);
        for t in 0..T { y = y + zeros(B, K / 3).sum(1) + x[:, t]; }
        y
    }
    fn number(x: [B, 4]) -> [B, 4] { maximum(x, K / 2) }
}

fn main() {}
