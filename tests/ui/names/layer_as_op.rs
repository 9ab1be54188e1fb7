use netform::prelude::*;

network! {
    struct Net {}
    fn forward(x: [B, 8]) -> [B, 3] { Linear(x) }
}

fn main() {}
