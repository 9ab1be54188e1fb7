use netform::prelude::*;

network! {
    struct Net {}
    fn forward(x: [B, 8], y: [B, 7]) -> [B, 8] { x + y }
}

fn main() {}
