use netform::prelude::*;

network! {
    struct Net {
        linear: Linear(4 -> 4),
    }
    fn loss(x: [B, 4]) -> [] {
        let y = if x > 0.0 { x } else { -x };
        linear(y).mean()
    }
}

fn main() {}
