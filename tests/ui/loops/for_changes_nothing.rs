use netform::prelude::*;

network! {
    struct Net {
        blocks: [Linear(8 -> 8); 3],
    }
    fn forward(x: [B, 8]) -> [B, 8] {
        let mut h = x;
        for block in blocks { let y = block(h); }
        h
    }
}

fn main() {}
