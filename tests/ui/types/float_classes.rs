use netform::prelude::*;

network! {
    struct Net {}
    fn loss(x: [B, 10], target: [B]) -> [] { cross_entropy(x, target) }
}

fn main() {}
