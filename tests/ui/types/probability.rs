use netform::prelude::*;

network! {
    struct Net {
        drop: Dropout(p = 1.5),
    }
    fn forward(x: [B]) -> [B] { drop(x) }
}

fn main() {}
