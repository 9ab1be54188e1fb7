use netform::prelude::*;

network! {
    struct Net {
        blocks: [Linear(8 -> 8); 3],
    }
    fn forward(x: [B, 8]) -> [B, 8] { blocks(x, x) }
}

fn main() {}
