use netform::prelude::*;

network! {
    struct Net {
        token: Embedding(65 -> 32),
        head: Linear(32 -> 65, bias = false),
        head.weight = token.weight,
        token.weight = head.weight,
    }

    fn forward(x: u32[B]) -> [B, 65] {
        head(token(x))
    }
}

fn main() {}
