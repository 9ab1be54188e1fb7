use netform::prelude::*;

network! {
    struct Net {
        rnn: Linear(4 -> 4),
    }
    fn last(x: [B, T, 4], y: [B, S, 4]) -> [B, 4] {
        let (h, _) = scan((x, y), zeros([B, 4]), |h, (x_t, y_t)| {
            let h = rnn(h) + x_t * y_t;
            (h, h)
        });
        h
    }
}

fn main() {}
