use netform::prelude::*;

network! {
    struct Net {}
    fn forward(x: [B]) -> bool[B] { x & (x > 0) }
}

fn main() {}
