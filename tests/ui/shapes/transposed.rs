use netform::prelude::*;

network! {
    struct Net {
        linear: Linear(8 -> 3),
    }
    fn forward(x: [8, B]) -> [B, 3] { linear(x) }
}

fn main() {}
