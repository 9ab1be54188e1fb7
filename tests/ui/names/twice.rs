use netform::prelude::*;

network! {
    struct Net {
        linear: Linear(8 -> 8),
        linear: Linear(8 -> 8),
    }
    fn forward(x: [B, 8]) -> [B, 8] { linear(x) }
}

fn main() {}
