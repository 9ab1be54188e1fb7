use netform::prelude::*;

network! {
    struct Between {}
    fn forward(x: [B]) -> bool[B] { 0 < x < 1 }
}

network! {
    struct Equal {}
    fn forward(x: [B], y: [B]) -> [B] { where(!(x + 1) == (y - 1) * 2 != x.sum() >= -1e-3, x, y) }
}

network! {
    struct Apart {}
    fn forward(x: [B]) -> bool[B] { (0 < x) == (x < 1) | 0 < x & x < 1 }
}

fn main() {}
