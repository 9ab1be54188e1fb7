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

const _: usize = Block::<9, 2>::PARAMETERS;

fn main() {}
