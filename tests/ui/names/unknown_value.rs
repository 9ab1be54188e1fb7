use netform::prelude::*;

network! {
    struct Net {}
    fn forward(input: [B]) -> [B] { imput * 2.0 }
}

fn main() {}
