use netform::prelude::*;

network! {
    struct Net {
        layer: TransformerEncoderLayer(8, 2, activation = rleu),
        model: Transformer(8, 2, activation = "swish"),
    }
    fn forward(x: [B, T, 8]) -> [B, T, 8] { model(layer(x), x) }
}

fn main() {}
