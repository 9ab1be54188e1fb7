//! Constants as the sizes of arguments, without `use const`: all are reported, also beside another error, and in a
//! network that holds this one nothing else is.
use netform::prelude::*;

const HEADS: usize = 2;
const WINDOW: usize = 2;

network! {
    struct Inner { l: Linear(8 -> 8) }
    fn forward(x: [B, T, 8], bias: [1, HEADS, T, T], w: [WINDOW]) -> [B, T, 8] {
        l(x) + bias.mean() + w.sum()
    }
}

network! {
    struct Outer { token: Linear(8 -> 8), rel: Embedding(4 -> HEADS), layers: [Inner; 3] }
    fn forward(x: [B, T, 8]) -> [B, T, 8] {
        let mut h = token(x);
        let bias = rel(zeros(T, T).int()).permute(2, 0, 1)[None];
        for l in layers { h = l(h, bias, ones(WINDOW)); }
        h
    }
}

network! {
    struct Other { l: Linear(8 -> 8) }
    fn forward(x: [B, T, 8], bias: [1, HEADS, T, T]) -> [B, T, 8] {
        l(x).view(B, T, HEADS, 4).flatten(2) + bias.mean()
    }
}

fn main() {}
