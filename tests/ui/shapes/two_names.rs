use netform::prelude::*;

network! {
    struct Net {}
    fn forward(x: [B, 8], y: [N, 8]) -> [B, 8] { x * y }
}

fn main() {}
