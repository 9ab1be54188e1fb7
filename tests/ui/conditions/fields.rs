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

macro_rules! constants {
    ($($name:ident)*) => { $(const $name: usize = 1;)* };
}

constants!(F0 F1 F2 F3 F4 F5 F6);

network! {
    /// Too many variants. The macro finds no values in the file.
    struct Many {
        #[when(F0 == 1)] l0: Linear(4 -> 4),
        #[when(F1 == 1)] l1: Linear(4 -> 4),
        #[when(F2 == 1)] l2: Linear(4 -> 4),
        #[when(F3 == 1)] l3: Linear(4 -> 4),
        #[when(F4 == 1)] l4: Linear(4 -> 4),
        #[when(F5 == 1)] l5: Linear(4 -> 4),
        #[when(F6 == 1)] l6: Linear(4 -> 4),
    }
    fn forward(x: [N, 4]) -> [N, 4] {
        let mut h = x;
        if F0 == 1 { h = l0(h); }
        if F1 == 1 { h = l1(h); }
        if F2 == 1 { h = l2(h); }
        if F3 == 1 { h = l3(h); }
        if F4 == 1 { h = l4(h); }
        if F5 == 1 { h = l5(h); }
        if F6 == 1 { h = l6(h); }
        h
    }
}

fn main() {}
