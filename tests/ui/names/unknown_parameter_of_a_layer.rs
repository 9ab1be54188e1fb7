use netform::prelude::*;

network! {
    struct Net {
        linear: Linear(8 -> 3),
    }
    fn forward(x: [B, 8]) -> [B, 3] { linear(x) + linear.wieght.sum() }
}

fn main() {}
