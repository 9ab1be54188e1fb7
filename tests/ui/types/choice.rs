use netform::prelude::*;

network! {
    struct Net {}
    fn loss(x: [B], y: [B]) -> [] { mse_loss(x, y, reduction = "average") }
}

fn main() {}
