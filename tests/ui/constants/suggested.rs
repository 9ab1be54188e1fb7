use netform::prelude::*;

const HEADS: usize = 3;

// Neither name is a constant: the sizes differ.
network! {
    struct Join {
        linear: Linear(8 -> 8),
    }
    fn join(x: [B, LENGTH], y: [B, WIDTH]) -> [B, LENGTH] { x + y }
    fn loss(x: [B, 8]) -> [] { linear(x).mean() }
}

// `HEADS` is a constant, and is not 2.
network! {
    struct Split {
        linear: Linear(8 -> 8),
    }
    fn split(x: [B, 8], bias: [B, HEADS, 4]) -> [B, HEADS, 4] { linear(x).view(B, HEADS, 4) + bias }
}

// `PARTS` is no constant.
network! {
    struct Parts {
        linear: Linear(8 -> 8),
    }
    fn split(x: [B, 8], bias: [B, PARTS, 4]) -> [B, PARTS, 4] { linear(x).view(B, PARTS, 4) + bias }
}

fn main() {}
