use netform::prelude::*;

network! {
    struct Grows<const I: usize, const DEPTH: usize> {
        layers: [Linear(I + i -> 1); DEPTH],
    }
    fn forward(x: [B, I]) -> [B, I + DEPTH] {
        let mut h = x;
        for i in 0..DEPTH { h = cat([h, layers[i](h)], dim = 1); }
        h
    }
}

network! {
    /// Mistakes, whatever the numbers are.
    struct Wrong<const I: usize, const DEPTH: usize> {
        layers: [Linear(I + i -> 1); DEPTH],
        head: Linear(8 -> 1),
    }
    fn forward(x: [B, I]) -> [B, 1] {
        let mut h = x;
        for i in 0..DEPTH { h = cat([h, layer[i](h)], dim = 1); }
        head(h.sum(3))
    }
}

network! {
    /// A mistake with these numbers.
    struct Given {
        grows: Grows<4, 2>,
    }
    fn forward(x: [B, 4]) -> [B, 7] { grows(x) }
}

network! {
    struct Endless<const N: usize> {
        inner: Endless<N + 1>,
    }
    fn forward(x: [B, 4]) -> [B, 4] { inner(x) }
}

network! {
    struct HasEndless {
        endless: Endless<1>,
    }
    fn forward(x: [B, 4]) -> [B, 4] { endless(x) }
}

fn main() {}
