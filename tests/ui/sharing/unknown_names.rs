use netform::prelude::*;

network! {
    struct Net {
        token: Embedding(65 -> 32),
        head: Linear(32 -> 65, bias = false),
        head.wieght = token.weight,
        hed.weight = token.weight,
        head.weight = token.bias,
    }

    fn forward(x: u32[B]) -> [B, 65] {
        head(token(x))
    }
}

fn main() {}
