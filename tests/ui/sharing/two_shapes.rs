use netform::prelude::*;

network! {
    struct Net {
        token: Embedding(65 -> 32),
        head: Linear(65 -> 32, bias = false),
        head.weight = token.weight,
    }

    fn forward(x: u32[B]) -> [B] {
        token(x).sum(-1) + head(one_hot(x, 65).float()).sum(-1)
    }
}

fn main() {}
