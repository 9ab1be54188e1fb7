use netform::prelude::*;

network! {
    struct Net {}
    fn forward(x) -> [B] { x }
}

fn main() {}
