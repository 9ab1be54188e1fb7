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

const COUNT: usize = Grows::<4, 2>::PARAMETERS;

fn main() {
    println!("{COUNT}");
}
