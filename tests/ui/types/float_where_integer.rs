use netform::prelude::*;

network! {
    struct Net {
        token: Embedding(65 -> 16),
    }
    fn forward(tokens: [B, T]) -> [B, T, 16] { token(tokens) }
}

fn main() {}
