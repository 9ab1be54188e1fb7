use netform::prelude::*;


network! {
    struct Net {
        block: Encoder<8>,
    }
    fn forward(x: [B, 8]) -> [B, 8] { block(x) }
}

fn main() {}
