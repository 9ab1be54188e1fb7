use netform::prelude::*;

network! {
    struct Net {}
    fn forward(q: [B, T, 16], k: [B, T, 16]) -> [B, T, T] { matmul(q, k) }
}

fn main() {}
