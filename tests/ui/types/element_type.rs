use netform::prelude::*;

network! {
    struct Net {}
    fn forward(x: f32[B, 8]) -> [B, 8] { x }
}

fn main() {}
