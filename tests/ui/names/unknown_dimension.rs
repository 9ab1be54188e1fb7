use netform::prelude::*;

network! {
    struct Net {}
    fn forward(x: [B, T]) -> [B, S] { x }
}

fn main() {}
