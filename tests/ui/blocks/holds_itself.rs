use netform::prelude::*;


network! {
    struct Tree {
        left: Tree,
        linear: Linear(8 -> 8),
    }
    fn forward(x: [B, 8]) -> [B, 8] { left(linear(x)) }
}

network! {
    struct Defaults<const N: usize = 3> {
        linear: Linear(4 -> 4),
        #[when(N > 1)]
        inner: Defaults,
    }
    fn forward(x: [B, 4]) -> [B, 4] {
        let x = linear(x);
        if N > 1 { inner(x) } else { x }
    }
}

fn main() {}
