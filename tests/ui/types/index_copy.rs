use netform::prelude::*;

network! {
    struct Net {
        linear: Linear(4 -> 4),
    }
    fn source(x: [B, 4], y: [4, 2], i: u32[3]) -> [B, 4] { x.index_copy(1, i, y) }
    fn index(x: [B, 4], y: [B, 2], i: u32[1, 2]) -> [B, 4] { linear(x).index_copy(1, i, y) }
    fn mask(m: bool[B, 4], x: [B, 2], i: u32[2]) -> bool[B, 4] { m.index_copy(1, i, x + 1.0) }
    fn classes(x: [B, 4], y: [B, 2], i: [2]) -> [B, 4] { x.index_copy(1, i, y) }
}

fn main() {}
