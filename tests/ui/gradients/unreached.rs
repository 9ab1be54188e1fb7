use netform::prelude::*;

network! {
    struct Net {
        linear_1: Linear(8 -> 3),
        linear_2: Linear(8 -> 3),
    }
    fn forward(x: [B, 8]) -> [B, 3] { linear_1(x) + linear_2(x) }
    fn loss(x: [B, 8], y: [B, 3]) -> [] { mse_loss(linear_1(x), y) }
}

network! {
    /// The loss ignores the layer.
    struct Ignored {
        linear: Linear(8 -> 3),
    }
    fn forward(x: [B, 8]) -> [B, 3] { linear(x) }
    fn loss(x: [B, 8], y: [B, 8]) -> [] { mse_loss(x, y) }
}

fn main() {}
