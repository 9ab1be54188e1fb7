use netform::prelude::*;

network! {
    struct Net {
        linear: Linear(8 -> 8),
    }
    fn save(x: [B, 8]) -> [B, 8] { linear(x) }
}

fn main() {}
