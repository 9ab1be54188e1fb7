use netform::prelude::*;

network! {
    struct Net {}
    fn forward(ids: u32[B]) -> u32[B] { ids - 5 }
}

fn main() {}
