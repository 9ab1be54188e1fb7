use netform::prelude::*;

network! {
    struct Net {
        rnn: Linear(4 -> 4),
    }
    fn forward(x: [B, 4]) -> [B, 4] { rnn(x[0..2](x)) }
}

fn main() {}
