use netform::prelude::*;

network! {
    struct Net {
        linear: Linear(in_features = 8),
        lstm: LSTM(8, num_layers = 2),
        head: Linear(8),
        twice: Linear(8, 10, in_features = 8),
        other: Linear(in_channels = 8, out_channels = 10),
    }
    fn forward(x: [B, 8]) -> [B, 10] { linear(x) }
}

fn main() {}
