use netform::prelude::*;

network! {
    struct Net {
        token: Embedding(65 -> 16),
    }
    fn forward(tokens: [B, T]) -> [B, T, 16] { token(tokens) }
    fn cut(x: [B, T]) -> [B, T, 16] { token(floor(x * 65.0)) }
    fn bound(x: [B]) -> [B, 16] {
        let i = floor(x);
        token(i)
    }
}

fn main() {}
