use netform::prelude::*;

network! {
    struct Net {
        rnn: Linear(4 -> 4),
    }
    fn last(x: [B, 4]) -> [B, 4] {
        let f = |h| rnn(h);
        rnn(x)
    }
}

fn main() {}
