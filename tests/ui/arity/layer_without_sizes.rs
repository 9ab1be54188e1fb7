use netform::prelude::*;

network! {
    struct Net {
        linear: Linear(8, 10),
    }
    fn forward(x: [B, 8]) -> [B, 10] { linear(x) }
}

fn main() {}
