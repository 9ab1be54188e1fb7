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

fn main() {
    let _ = Grows::<4, 2>::new(Cpu::new(), 1);
    let _ = Grows::<4, 2>::PARAMETERS;
}
