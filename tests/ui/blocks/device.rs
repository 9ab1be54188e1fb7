use netform::prelude::*;

network! {
    struct Block<const D: usize> { linear: Linear(D -> D) }
    fn forward(x: [B, D]) -> [B, D] { linear(x) }
}

fn main() {
    let _ = Block::<8>::new(Cpu::f64(), 1);
}
