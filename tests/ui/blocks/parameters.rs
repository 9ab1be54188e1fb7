use netform::prelude::*;


network! {
    struct OfType<T> {
        linear: Linear(8 -> 8),
    }
    fn forward(x: [B, 8]) -> [B, 8] { linear(x) }
}

network! {
    struct OfWidth<const D: u32> {
        linear: Linear(D -> 8),
    }
    fn forward(x: [B, D]) -> [B, 8] { linear(x) }
}

network! {
    struct Defaults<const D: usize = 8, const E: usize> {
        linear: Linear(D -> E),
    }
    fn forward(x: [B, D]) -> [B, E] { linear(x) }
}

network! {
    struct Twice<const D: usize, const D: usize> {
        linear: Linear(D -> D),
    }
    fn forward(x: [B, D]) -> [B, D] { linear(x) }
}

fn main() {}
