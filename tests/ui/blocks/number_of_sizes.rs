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
        first: Block,
        second: Block<8, 2, 4>,
        third: Block<0 - 8>,
        fourth: Block<8.5>,
        fifth: Block<width>,
    }
    fn forward(x: [B, 8]) -> [B, 8] { fifth(fourth(third(second(first(x))))) }
}

fn main() {}
