use netform::prelude::*;

network! {
    struct Net {
        rnn: Linear(4 -> 4),
    }
    fn last(x: [B, T, 4]) -> [B, 4] {
        let (h, _) = scan(x, zeros([B, 4]));
        h + rnn(h)
    }
}

fn main() {}
