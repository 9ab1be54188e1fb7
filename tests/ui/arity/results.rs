use netform::prelude::*;

network! {
    struct Net {}
    fn forward(x: [B, 8]) -> ([B], [B]) { x.sum(1) }
}

fn main() {}
