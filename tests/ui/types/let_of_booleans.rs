use netform::prelude::*;

network! {
    struct Net {}
    fn forward(x: [B]) -> [B] {
        let keep: bool[B] = x * 2.0;
        x
    }
}

fn main() {}
