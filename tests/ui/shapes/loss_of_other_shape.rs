use netform::prelude::*;

network! {
    struct Mlp {
        linear_1: Linear(8 -> 10),
        linear_2: Linear(10 -> 3),
    }
    fn loss(x: [B, 8], target: [B, 1]) -> [] {
        mse_loss(linear_2(linear_1(x)), target)
    }
}

fn main() {}
