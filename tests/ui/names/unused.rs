#![deny(unused)]

use netform::prelude::*;

// These are rustc's warnings: here they are errors.
network! {
    struct Mlp<const N: usize> {
        linear_1: Linear(8 -> 10),
        linear_2: Linear(10 -> 3),
        scale: Param[4],
        #[allow(dead_code)]
        quiet: Linear(4 -> 4),
        #[when(N > 1)]
        more: Linear(10 -> 10),
        #[when(N > 2)]
        never: Linear(10 -> 10),
    }
    fn forward(x: [B, 8], mask: bool[B], _quiet: [B], y: [B, T]) -> [B, 10] {
        let h = linear_1(x) + zeros(T, 1).sum();
        if N > 1 { more(h) } else { h }
    }
    fn any(x: [.., 8], state: [B]) -> [.., 10] { linear_1(x) }
}

// What another network uses.
network! {
    struct Net {
        mlp: Mlp<2>,
    }
    fn forward(x: [B, 10]) -> [B, 3] { mlp.linear_2(x) }
}

fn main() {
    let _ = (Mlp::<2>::PARAMETERS, Net::PARAMETERS);
}
