use netform::prelude::*;

network! {
    struct Net {
        token: Embedding(65 -> 32),
        head: Linear(32 -> 65, bias = false),
        other: Embedding(65 -> 32),
        head.weight = token.weight,
        head.weight = other.weight,
    }

    fn forward(x: u32[B]) -> [B, 65] {
        head(token(x) + other(x))
    }
}

fn main() {}
