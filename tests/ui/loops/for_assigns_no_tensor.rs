use netform::prelude::*;

network! {
    struct Net {
        blocks: [Linear(8 -> 8); 3],
    }
    fn forward(x: [B, 8]) -> [B, 8] {
        let mut h = x;
        let mut pair = (x, x);
        for block in blocks { h = block(h); pair = (h, h); }
        h
    }
}

fn main() {}
