//! Choices by constants in functions.
use netform::prelude::*;

const K: usize = 3;

network! {
    struct Choices<const S: usize> {
        a: Linear(4 -> 4),
        b: Linear(4 -> 6),
    }
    fn dimension(x: [B, 4]) -> [B, 4] {
        if B == 1 { a(x) } else { x }
    }
    fn value(x: [B, 4]) -> [B, 4] {
        if x.sum() > 0 { a(x) } else { x }
    }
    fn mode(x: [B, 4]) -> [B, 4] {
        if training & (S == 1) { a(x) } else { x }
    }
    fn no_else(x: [B, 4]) -> [B, 4] {
        let y = if S == 1 { a(x) };
        y
    }
    fn dropped(x: [B, 4]) -> [B, 4] {
        if K == 3 { a(x) } else { x }
        a(x)
    }
    fn shapes(x: [B, 4]) -> [B, 4] {
        if K == 3 && S >= 2 { a(x) } else { b(x) }
    }
}

fn main() {}
