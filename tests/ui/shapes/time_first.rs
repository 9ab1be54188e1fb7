use netform::prelude::*;

network! {
    struct Net {
        gru: GRU(8 -> 16, batch_first = false),
        attention: MultiheadAttention(8, 2, batch_first = false),
        encode: TransformerEncoderLayer(8, 2, batch_first = false),
        decoder: TransformerDecoder(TransformerDecoderLayer(8, 2, batch_first = false), num_layers = 2),
        whole: Transformer(8, 2, batch_first = false),
    }
    fn rank(x: [T, B, 4, 8]) -> [T, B, 16] {
        let (y, _) = gru(x);
        y
    }
    fn batch_first(x: [B, T, 8]) -> [B, T, 16] {
        let (y, h) = gru(x, zeros([1, B, 16]));
        y
    }
    fn lengths(x: [T, B, 8], n: u32[T]) -> [T, B, 16] {
        let (y, _) = gru(x, lengths = n);
        y
    }
    fn attention_rank(x: [T, B, 4, 8]) -> [T, B, 8] { attention(x) }
    fn key_rank(x: [T, B, 8], y: [T, 8]) -> [T, B, 8] { attention(x, y) }
    fn batches(x: [T, B, 8], y: [B, S, 8]) -> [T, B, 8] { attention(x, y) }
    fn encode_rank(x: [A, T, B, 8]) -> [A, T, B, 8] { encode(x) }
    fn mask(x: [T, B, 8], padded: bool[T, B]) -> [T, B, 8] {
        encode(x, src_key_padding_mask = padded)
    }
    fn decoder_rank(x: [T, B, 8], y: [S, 8]) -> [T, B, 8] { decoder(x, y) }
    fn memory(x: [T, B, 8], y: [B, S, 8]) -> [T, B, 8] { decoder(x, y) }
    fn source(x: [S, 8], y: [T, B, 8]) -> [T, B, 8] { whole(x, y) }
    fn result(x: [S, B, 8], y: [T, B, 8]) -> [B, T, 8] { whole(x, y) }
}

fn main() {}
