use netform::prelude::*;

network! {
    struct Net {
        rnn: Linear(4 -> 4),
    }
    fn last(x: [B, 4]) -> [B, 4] {
        let (h, _) = scan(4, x, |h, x_t| { let h = rnn(h) + x_t; (h, h) });
        h
    }
}

fn main() {}
