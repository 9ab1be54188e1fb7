use netform::prelude::*;

network! {
    struct Net {}
    fn forward(x: [B, 8], y: [T, 8]) -> [B, 16] { cat([x, y], dim = 1) }
    fn ranks(x: [B, 8], y: [B, 8, 1]) -> [B, 16] { cat([x, y], dim = 1) }
}

fn main() {}
