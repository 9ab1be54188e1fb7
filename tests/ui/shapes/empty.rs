use netform::prelude::*;

network! {
    struct Net {
        wave: Conv1d(2 -> 3, 3, padding = 2),
    }
    fn largest(x: [0, 3]) -> [3] { amax(x, dim = 0) }
    fn smallest(x: [0, 3]) -> [] { x.min() }
    fn place(x: [B, 0]) -> i32[B] { argmax(x, dim = 1) }
    fn convolved(x: [B, 2, 0]) -> [B, 3, 2] { wave(x) }
    fn pooled(x: [B, 2, 0]) -> [B, 2, 1] { adaptive_avg_pool1d(x, 1) }
    fn wide(x: [B, 2, 0]) -> [B, 2, 4] { interpolate(x, size = 4) }
    fn rows(x: [0, 3]) -> [0] { amax(x, dim = 1) }
}

fn main() {}
