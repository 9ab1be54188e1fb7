use netform::prelude::*;

network! {
    struct Net {
        size: TransformerEncoder(512, num_layers = 6),
        other: TransformerEncoder(Linear(8 -> 8), num_layers = 6),
        decoder: TransformerEncoder(TransformerDecoderLayer(8, 2), num_layers = 6),
        unknown: TransformerEncoder(TransformerEncodrLayer(8, 2), num_layers = 6),
        flag: TransformerEncoder(TransformerEncoderLayer(8, 2), num_layers = 6, norm = true),
        norm: TransformerEncoder(TransformerEncoderLayer(8, 2), num_layers = 6, norm = LayerNorm(16)),
        inside: Linear(Linear(8 -> 8) -> 8),
        last: TransformerEncoder(TransformerEncoderLayer(8, 2, batch_first = 1), num_layers = 0),
        none: TransformerDecoder(TransformerDecoderLayer(8, 2), num_layers = 0),
    }
    fn forward(x: [B, T, 8]) -> [B, T, 8] { x }
}

fn main() {}
