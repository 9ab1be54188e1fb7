use netform::prelude::*;

network! {
    struct Net {
        blocks: [Linear(8 -> 8); 3],
    }
    fn endless(x: [B, 8]) -> [B, 8] {
        let mut h = x;
        for i in 0.. { h = blocks[0](h) + i; }
        h
    }
    fn tensor(x: [B, 8], n: i64[]) -> [B, 8] {
        let mut h = x;
        for i in 0..n { h = h + i; }
        h
    }
    fn layers(x: [B, 8]) -> [B, 8] {
        let mut h = x;
        for i in 0..B { h = blocks[i](h); }
        h
    }
    fn beyond(x: [B, 8]) -> [B, 8] {
        let mut h = x;
        for i in 0..4 { h = blocks[i](h); }
        h
    }
    fn steps(x: [B, 8]) -> [B, 8] {
        let mut h = x;
        for i in range(0, 4, 0) { h = h + i; }
        h
    }
    fn steps_of_a_size(x: [B, 8]) -> [B, 8] {
        let mut h = x;
        for i in (0..8).step_by(B) { h = h + i; }
        h
    }
    fn four(x: [B, 8]) -> [B, 8] {
        let mut h = x;
        for i in range(0, 4, 2, 1) { h = h + i; }
        h
    }
    fn shape(x: [B, 8]) -> [B, 8] {
        let mut h = x;
        for _ in 0..B { h = cat([h, h], dim = 1); }
        h
    }
}

fn main() {}
