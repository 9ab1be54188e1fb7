use netform::prelude::*;

network! {
    struct Net {
        rnn: Linear(5 -> 4),
    }
    fn last(x: [B, T, 4]) -> [B, 4] {
        let (h, _) = scan(x, zeros([B, 4]), |h, x_t| {
            let h = rnn(h) + x_t;
            (h, h)
        });
        h
    }
}

fn main() {}
