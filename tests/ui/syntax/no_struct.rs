use netform::prelude::*;

network! {
    fn forward(x: [B, 8]) -> [B, 8] { x }
}

fn main() {}
