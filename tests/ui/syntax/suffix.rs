use netform::prelude::*;

network! {
    struct Net {}
    fn forward(x: [B]) -> [B] { x * 2.0f32 }
}

fn main() {}
