use netform::prelude::*;

network! {
    struct Net {}
    fn forward(x: [B, 8]) -> [B] { x[.., 8] }
}

fn main() {}
