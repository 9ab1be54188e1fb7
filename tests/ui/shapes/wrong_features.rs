use netform::prelude::*;

network! {
    struct SimpleMlp {
        linear_1: Linear(8 -> 12),
        linear_2: Linear(10 -> 7),
    }
    fn forward(x: [B, 8]) -> [B, 7] {
        let x = sigmoid(linear_1(x));
        linear_2(x)
    }
}

fn main() {}
