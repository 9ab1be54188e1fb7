use netform::prelude::*;

network! {
    struct Net {}
    fn forward(x: [B, 3]) -> [B, 7] { x.pad([0, 4], mode = "reflect") }
}

fn main() {}
