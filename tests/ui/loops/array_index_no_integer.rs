use netform::prelude::*;

network! {
    struct Net {
        blocks: [Linear(8 -> 8); 3],
    }
    fn forward(x: [B, 8]) -> [B, 8] { blocks[0.5](x) }
}

fn main() {}
