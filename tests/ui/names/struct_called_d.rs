use netform::prelude::*;

network! {
    struct D {}
    fn forward(x: [B]) -> [B] { x }
}

fn main() {}
