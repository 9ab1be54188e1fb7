use netform::prelude::*;

network! {
    struct Net {}
    fn forward(x: [B, 8], p: []) -> [B, 8] { dropout(x, p = p) }
}

fn main() {}
