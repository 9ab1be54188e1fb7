use netform::prelude::*;


mod parts {
    netform::network! {
        pub struct Pairs<const D: usize> {
            linear: Linear(D -> D),
        }
        fn forward(x: [B, D]) -> [B] { linear(x).reshape([B, D / 2, 2]).sum(2).sum(1) }
    }
    netform::network! {
        pub struct Tail<const D: usize> {
            linear: Linear(D -> D),
        }
        fn forward(x: [B, D]) -> [B] { linear(x)[.., 5] }
    }
}

use parts::{Pairs, Tail};

network! {
    struct Net {
        pairs: Pairs<7>,
        tail: Tail<4>,
    }
    fn forward(x: [B, 7]) -> [B] { pairs(x) }
    fn last(x: [B, 4]) -> [B] { tail(x) }
}

fn main() {}
