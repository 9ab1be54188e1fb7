use netform::prelude::*;

const WIDTH: usize = 31;
const HEADS: usize = 4;

network! {
    struct Net { linear: Linear(32 -> 8), heads: MultiheadAttention(32, HEADS), last: Linear(8 -> HEADS * 8) }
    fn forward(x: [B, T, 32]) -> [B, T, 32] { last(linear(heads(x))) }
}

network! {
    struct Outer { net: Net, first: Linear(WIDTH -> WIDTH) }
    fn forward(x: [B, T, WIDTH]) -> [B, T, WIDTH] { net(first(x)) }
}

fn main() {
    let _ = Net::new(Cpu::new(), 1);
    let _ = Outer::new(Cpu::new(), 1);
}
