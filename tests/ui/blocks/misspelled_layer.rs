use netform::prelude::*;


network! {
    struct Net {
        act: Rleu,
        linear: Linear(8 -> 8),
    }
    fn forward(x: [B, 8]) -> [B, 8] { act(linear(x)) }
}

fn main() {}
