use netform::prelude::*;

network! {
    struct Net {}
    fn forward(x: [B, 8]) -> [B, 8] { relu(x, 1, 2) }
}

fn main() {}
