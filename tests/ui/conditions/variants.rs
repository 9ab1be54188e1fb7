use netform::prelude::*;

const DEEP: bool = true;
const STRIDE: usize = 2;

// rustc reports the error of the variant that it takes, and no other.
network! {
    struct Net {
        first: Linear(4 -> 8),
        second: Linear(8 -> 4),
    }
    fn forward(x: [B, 4]) -> [B, 4] { if DEEP { second(x) } else { second(first(x)) } }
    fn loss(x: [B, 4]) -> [] { forward(x).mean() + first(x).mean() }
}

network! {
    struct Fine {
        first: Linear(4 -> 8),
        second: Linear(8 -> 4),
    }
    fn forward(x: [B, 4]) -> [B, 4] { if STRIDE != 2 { second(x) } else { second(first(x)) } }
    fn loss(x: [B, 4]) -> [] { forward(x).mean() }
}

// Both variants of a network with parameters must be right.
network! {
    struct Block<const S: usize> {
        first: Linear(4 -> 8),
        second: Linear(8 -> 4),
    }
    fn forward(x: [B, 4]) -> [B, 4] { if S != 2 { second(x) } else { second(first(x)) } }
}

fn main() {}
