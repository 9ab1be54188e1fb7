use netform::prelude::*;

network! {
    struct Net {
        attention: MultiheadAttention(8, 2),
        kinds: MultiheadAttention(8, 2, kdim = 3, vdim = 5),
    }
    fn of_a_vector(q: [8], k: [B, S, 8]) -> [B, 1, 8] { scaled_dot_product_attention(q, k, k) }
    fn masked_twice(q: [B, T, 8], m: [T, T]) -> [B, T, 8] {
        scaled_dot_product_attention(q, q, q, attn_mask = m, is_causal = true)
    }
    fn without_heads(q: [T, 8], k: [T, 8]) -> [T, 8] { scaled_dot_product_attention(q, k, k, enable_gqa = true) }
    fn uneven(q: [B, 6, T, 8], k: [B, 4, T, 8]) -> [B, 6, T, 8] {
        scaled_dot_product_attention(q, k, k, enable_gqa = true)
    }
    fn more_than_a_batch(x: [A, B, T, 8]) -> [A, B, T, 8] { attention(x) }
    fn with_a_batch_and_without(x: [T, 8], y: [B, S, 8]) -> [T, 8] { attention(x, y) }
    fn two_lengths(x: [B, T, 8], k: [B, S, 3], v: [B, T, 5]) -> [B, T, 8] { kinds(x, k, v) }
    fn turned(x: [6]) -> [6] { rotary(x) }
    fn in_pairs(x: [B, T, 5]) -> [B, T, 5] { rotary(x) }
    fn at_other_places(x: [B, T, 6], at: u32[B]) -> [B, T, 6] { rotary(x, positions = at) }
    fn negative_base(x: [B, T, 6]) -> [B, T, 6] { x + sinusoidal_positions(T, 6, base = -2.0) }
}

fn main() {}
