use netform::prelude::*;

network! {
    struct Net {}
    fn forward(x: [B, 8]) -> [B, 8] { softmax(x) }
}

fn main() {}
