use netform::prelude::*;

network! {
    struct Net {
        blocks: [Linear(8 -> 4); 3],
    }
    fn forward(x: [B, 8]) -> [B, 4] {
        let mut h = x;
        for block in blocks { h = block(h); }
        h
    }
}

fn main() {}
