use netform::prelude::*;

network! {
    struct Net {
        linear: Linear(4 -> 4),
    }
    fn step(x: [B, 4], #[state] h: [B, 4]) -> [B, 4] {
        h = linear(x).mean(0);
        linear(x)
    }
    fn other(x: [B, 4], #[state] h: [B, 8]) -> [B, 8] { h }
    fn both(#[state] #[grad] k: [B, 4]) -> [] { k.mean() }
    fn state(x: [B, 4]) -> [B, 4] { x }
}

fn main() {}
