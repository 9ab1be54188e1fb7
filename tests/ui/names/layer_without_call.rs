use netform::prelude::*;

network! {
    struct Mlp {
        linear_1: Linear(8 -> 10),
        linear_2: Linear(10 -> 3),
    }
    fn forward(x: [B, 8]) -> [B, 3] { linear_2(linear_1 + x) }
}

fn main() {}
