use netform::prelude::*;

network! {
    struct Net {
        linear_1: Linear(8 -> 12),
        linear_2: Linear(10 -> 7),
        norm: LayerNrom(7),
    }
    fn forward(x: [B, 8]) -> [B, 7] { norm(linear_2(linear_1(x))) }
    fn loss(x: [B, 8], y: [B, 6]) -> [] { mse_loss(forward(x), y) }
    fn other(x: [B, 8]) -> [B] { x.sum(3) }
}

fn main() {}
