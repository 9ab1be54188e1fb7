use netform::prelude::*;

network! {
    struct Net {}
    fn forward(x: [B]) -> [B] {
        let y = x * 2.0;
        y;
    }
}

fn main() {}
