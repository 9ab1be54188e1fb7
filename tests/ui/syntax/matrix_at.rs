use netform::prelude::*;

network! {
    struct Net {}
    fn forward(x: [B, 8], w: [8, 8]) -> [B, 8] { x @ w }
}

fn main() {}
