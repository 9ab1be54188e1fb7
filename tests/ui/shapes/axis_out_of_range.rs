use netform::prelude::*;

network! {
    struct Net {}
    fn forward(x: [B, 8]) -> [B] { x.sum(2) }
}

fn main() {}
