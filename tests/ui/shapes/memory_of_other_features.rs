use netform::prelude::*;

network! {
    struct Net {
        encoder: TransformerEncoder(TransformerEncoderLayer(8, 2), num_layers = 2),
        decoder: TransformerDecoder(TransformerDecoderLayer(12, 2), num_layers = 2),
        layer: TransformerDecoderLayer(8, 2),
        model: Transformer(16, 4),
    }
    fn forward(src: [B, S, 8], tgt: [B, T, 12]) -> [B, T, 12] {
        let memory = encoder(src);
        decoder(tgt, memory)
    }
    fn other_batch(tgt: [B, T, 8], memory: [N, S, 8]) -> [B, T, 8] { layer(tgt, memory) }
    fn other_features(src: [B, S, 16], tgt: [B, T, 12]) -> [B, T, 16] { model(src, tgt) }
    fn no_sequence(src: [A, B, S, 16]) -> [S, 16] { model(src, src) }
}

fn main() {}
