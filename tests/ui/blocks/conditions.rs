use netform::prelude::*;


network! {
    struct Net<const D: usize, const HEADS: usize>
    where
        D,
        D + HEADS,
        D % 2 == 3,
        D % HEADS == 1,
        D % 3 != 1,
        D % 1.5 == 0,
        8 > 9,
    {
        linear: Linear(D -> HEADS),
    }
    fn forward(x: [B, D]) -> [B, HEADS] { linear(x) }
}

fn main() {}
