use netform::prelude::*;

network! {
    struct Net {}
    fn forward(x: [B]) -> [B] { sofmax(x, 0) }
}

fn main() {}
