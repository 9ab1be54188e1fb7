use netform::prelude::*;

network! {
    struct Net {
        linear_1: Linear(8 -> 3),
        linear_2: Linear(8 -> 3),
    }
    fn forward(x: [B, 8]) -> [B, 3] { linear_1(x) + linear_2(x) }
    fn loss(x: [B, 8], y: [B, 3]) -> [] { mse_loss(linear_1(x), y) }
}

fn main() {}
