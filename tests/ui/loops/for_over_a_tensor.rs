use netform::prelude::*;

network! {
    struct Net {
        rnn: Linear(4 -> 4),
    }
    fn forward(x: [B, 4]) -> [B, 4] {
        let mut h = x;
        for row in x { h = rnn(h); }
        h
    }
}

fn main() {}
