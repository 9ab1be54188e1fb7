use netform::prelude::*;

network! {
    struct Net {
        norm: LayerNrom(8),
    }
    fn forward(x: [B, 8]) -> [B, 8] { norm(x) }
}

fn main() {}
