use netform::prelude::*;

network! {
    struct Net {
        attention: MultiheadAttention(8, 2),
        layer: TransformerEncoderLayer(8, 2),
        decoder: TransformerDecoder(TransformerDecoderLayer(8, 2), num_layers = 3),
    }
    fn by_batch(x: [B, T, 8], mask: bool[B, T, T]) -> [B, T, 8] { attention(x, attn_mask = mask) }
    fn keys_first(x: [B, T, 8], padding: bool[T, B]) -> [B, T, 8] {
        layer(x, src_key_padding_mask = padding)
    }
    fn across(tgt: [B, T, 8], memory: [B, S, 8], mask: bool[T, T]) -> [B, T, 8] {
        decoder(tgt, memory, memory_mask = mask)
    }
}

fn main() {}
