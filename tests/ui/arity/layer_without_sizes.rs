use netform::prelude::*;

network! {
    struct Net {
        linear: Linear(8, 10),
        lstm: LSTM(8, 10, num_layers = 2),
        head: Linear(8),
    }
    fn forward(x: [B, 8]) -> [B, 10] { linear(x) }
}

fn main() {}
