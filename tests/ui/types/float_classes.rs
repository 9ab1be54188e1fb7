use netform::prelude::*;

network! {
    struct Net {}
    fn loss(x: [B, 10], target: [B]) -> [] { cross_entropy(x, target) }
    fn hot(x: [B, 10], target: u32[B]) -> [] { cross_entropy(x, one_hot(target, 10)) }
}

fn main() {}
