use netform::prelude::*;

network! {
    struct Net {
        gru: GRUCell(3 -> 4),
        lstm: LSTMCell(3 -> 4),
    }
    fn one(x: [B, 3], h: [4, B]) -> [B, 4] { gru(x, h) }
    fn both(x: [B, 3], h: [B, 4]) -> [B, 4] {
        let (h, c) = lstm(x, h);
        h
    }
}

fn main() {}
