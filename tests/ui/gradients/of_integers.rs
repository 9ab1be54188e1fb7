use netform::prelude::*;

network! {
    struct Net {
        token: Embedding(65 -> 16),
    }
    fn forward(#[grad] tokens: u32[B]) -> [B, 16] { token(tokens) }
}

fn main() {}
