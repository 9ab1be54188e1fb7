use netform::prelude::*;


mod parts {
    netform::network! {
        pub struct Coder {
            linear: Linear(8 -> 8),
        }
        fn encode(x: [B, 8]) -> [B, 8] { linear(x) }
        fn decode(x: [B, 8]) -> [B, 8] { linear(-x) }
    }
    netform::network! {
        pub struct Nothing {}
    }
}

use parts::{Coder, Nothing};

network! {
    struct Net {
        coder: Coder,
        nothing: Nothing,
    }
    fn forward(x: [B, 8]) -> [B, 8] { coder(x) }
    fn other(x: [B, 8]) -> [B, 8] { nothing(x) }
}

fn main() {}
