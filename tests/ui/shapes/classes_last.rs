use netform::prelude::*;

network! {
    struct Net {
        head: Linear(8 -> 65),
    }
    fn loss(x: [B, T, 8], targets: u32[T, B]) -> [] { cross_entropy(head(x), targets) }
}

fn main() {}
