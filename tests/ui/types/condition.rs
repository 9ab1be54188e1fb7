use netform::prelude::*;

network! {
    struct Net {}
    fn forward(x: [B], y: [B]) -> [B] { where(x, x, y) }
}

fn main() {}
