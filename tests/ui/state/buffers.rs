use netform::prelude::*;

network! {
    struct Net {
        linear: Linear(4 -> 4),
        #[frozen]
        mean: Buffer[4],
        start: Buffer[4] = normal(1.0),
        shape: Buffer = zeros,
        several: [Buffer[4]; 2],
        called: Buffer[4],
    }
    fn loss(x: [B, 4]) -> [] {
        (linear(x) + called(x) + mean + start).mean()
    }
}

fn main() {}
