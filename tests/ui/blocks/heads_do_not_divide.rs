use netform::prelude::*;

mod parts {
    netform::network! {
        pub struct Block<const D: usize, const HEADS: usize = 2>
        where
            D % HEADS == 0,
        {
            linear: Linear(D -> D),
        }
        fn forward(x: [B, D]) -> [B, D] {
            linear(x.reshape([B, HEADS, D / HEADS]).flatten(1))
        }
        fn encode(x: [B, D], y: [B, D]) -> [B, D] {
            linear(x) + y
        }
    }
}

use parts::Block;

network! {
    struct Net {
        blocks: [Block<9>; 3],
    }
    fn forward(x: [B, 9]) -> [B, 9] {
        let mut x = x;
        for block in blocks {
            x = block(x);
        }
        x
    }
}

fn main() {}
