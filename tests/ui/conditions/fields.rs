//! Fields that exist by a condition.
use netform::prelude::*;

network! {
    /// The layer is used where it does not exist.
    struct Outside<const I: usize, const O: usize> {
        #[when(I != O)]
        proj: Linear(I -> O, bias = false),
        #[when(O > 4)]
        norm: LayerNorm(O),
    }
    fn forward(x: [B, I]) -> [B, O] {
        let y = if I != O { proj(x) } else { x };
        norm(y) + proj.weight.sum() + if I == O { proj(x) } else { y }
    }
}

network! {
    /// Only one variant has a mistake.
    struct Shapes<const I: usize, const O: usize> {
        #[when(I != O)]
        proj: Linear(I -> O),
        last: Linear(O -> 3),
    }
    fn forward(x: [B, I]) -> [B, 3] {
        if I == O { last(proj(x)) } else { last(x) }
    }
}

network! {
    /// No variant uses the layer.
    struct Unused<const S: usize> {
        #[when(S > 1)]
        more: Linear(4 -> 4),
        last: Linear(4 -> 3),
    }
    fn forward(x: [B, 4]) -> [B, 3] { last(x) }
}

network! {
    /// Conditions that are none.
    struct Wrong<const S: usize> {
        #[when]
        a: Linear(4 -> 4),
        #[when(S)]
        b: Linear(4 -> 4),
        #[when(S == 0.5)]
        c: Linear(4 -> 4),
        #[when(S == 1 && )]
        d: Linear(4 -> 4),
        #[when(size == 1)]
        e: Linear(4 -> 4),
        #[cfg(S == 1)]
        f: Linear(4 -> 4),
    }
    fn forward(x: [B, 4]) -> [B, 4] { f(e(d(c(b(a(x)))))) }
}

network! {
    /// Too many variants.
    struct Many<const A: usize, const C: usize> {
        #[when(A == 1)] a: Linear(4 -> 4),
        #[when(A == 2)] b: Linear(4 -> 4),
        #[when(A == 3)] c: Linear(4 -> 4),
        #[when(C == 1)] d: Linear(4 -> 4),
        #[when(C == 2)] e: Linear(4 -> 4),
        #[when(C == 3)] f: Linear(4 -> 4),
    }
    fn forward(x: [B, 4]) -> [B, 4] {
        let mut h = x;
        if A == 1 { h = a(h); } else if A == 2 { h = b(h); } else if A == 3 { h = c(h); }
        if C == 1 { h = d(h); } else if C == 2 { h = e(h); } else if C == 3 { h = f(h); }
        h
    }
}

fn main() {}
