use netform::prelude::*;


mod parts {
    netform::network! {
        pub struct Block<const D: usize> {
            linear: Linear(D -> 8),
            last: Linear(9 -> D),
        }
        fn forward(x: [B, D]) -> [B, D] { last(linear(x)) }
    }
}

use parts::Block;

network! {
    struct Net {
        block: Block<8>,
        head: Linear(8 -> 3),
    }
    fn forward(x: [B, 8]) -> [B, 3] { head(block(x)) }
    fn loss(x: [B, 8], y: [B, 4]) -> [] { mse_loss(forward(x), y) }
}

fn main() {}
