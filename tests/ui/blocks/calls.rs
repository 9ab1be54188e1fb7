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
        block: Block<8>,
        many: [Block<8>; 2],
    }
    fn unknown(x: [B, 8]) -> [B, 8] { block.encod(x, x) }
    fn few(x: [B, 8]) -> [B, 8] { block.encode(x) }
    fn keyword(x: [B, 8]) -> [B, 8] { block(z = x) }
    fn twice(x: [B, 8]) -> [B, 8] { block.encode(x, x = x) }
    fn features(x: [B, 7]) -> [B, 8] { block(x) }
    fn array(x: [B, 8]) -> [B, 8] { many(x, x) }
    fn method_of_array(x: [B, 8]) -> [B, 8] { many.encode(x, x) }
    fn value(x: [B, 8]) -> [B, 8] { block + x }
    fn member(x: [B, 8]) -> [B, 8] { x * block.linear.wieght }
}

fn main() {}
