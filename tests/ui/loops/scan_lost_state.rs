use netform::prelude::*;

network! {
    struct Net {
        rnn: Linear(4 -> 4),
    }
    fn last(x: [B, T, 4]) -> [B, 4] {
        let ((h, _), _) = scan(x, (zeros([B, 4]), zeros([B, 4])), |(h, c), x_t| {
            let h = rnn(h) + x_t * c;
            (h, h)
        });
        h
    }
}

fn main() {}
