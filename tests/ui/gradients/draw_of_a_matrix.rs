use netform::prelude::*;

network! {
    struct Net {
        linear: Linear(8 -> 3),
    }
    #[draw]
    fn forward(x: [B, 8]) -> [B, 3] { linear(x) }
}

fn main() {}
