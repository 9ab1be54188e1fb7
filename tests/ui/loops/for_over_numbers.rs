use netform::prelude::*;

network! {
    struct Net {
        blocks: [Linear(8 -> 8); 3],
    }
    fn forward(x: [B, 8]) -> [B, 8] {
        let mut h = x;
        for i in 0..3 { h = blocks[i](h); }
        h
    }
}

fn main() {}
