use netform::prelude::*;

network! {
    struct Net {}
    fn forward(x: [B]) -> bool[B] { x & (x > 0) }
    fn sums(x: [B]) -> bool[B] { (x > 0) | x + 1 }
    fn bits(i: u32[B], m: bool[B]) -> bool[B] { m & i }
}

fn main() {}
