use netform::prelude::*;

network! {
    struct Net {
        model: Transformer(d_model = 500, nhead = 8),
        encoder: TransformerEncoder(TransformerEncoderLayer(10, 4), num_layers = 2),
        attention: MultiheadAttention(8, 3),
    }
    fn forward(x: [B, T, 8]) -> [B, T, 8] { attention(x) }
}

fn main() {}
