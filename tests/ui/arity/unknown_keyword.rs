use netform::prelude::*;

network! {
    struct Net {}
    fn forward(x: [B, 8]) -> [B] { sum(x, dimm = 1) }
}

fn main() {}
