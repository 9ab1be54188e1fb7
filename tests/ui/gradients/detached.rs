use netform::prelude::*;

network! {
    struct Net {
        linear: Linear(8 -> 3),
    }
    fn loss(x: [B, 8], y: [B, 3]) -> [] { mse_loss(linear(x).detach(), y) }
}

fn main() {}
