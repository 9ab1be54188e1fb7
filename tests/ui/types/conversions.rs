use netform::prelude::*;

network! {
    struct Net {
        attention: MultiheadAttention(4, 2),
        encoder: TransformerEncoderLayer(4, 2),
        linear: Linear(4 -> 4),
        norm: BatchNorm1d(4),
        gru: GRU(4 -> 4),
        loss: CrossEntropyLoss(),
    }
    fn padding(x: [B, T, 4], m: u32[B, T]) -> [B, T, 4] { attention(x, key_padding_mask = m) }
    fn mask(x: [B, T, 4], m: i32[T, T]) -> [B, T, 4] { encoder(x, src_mask = m) }
    fn scores(x: [B, T, 4], m: i64[T, T]) -> [B, T, 4] { scaled_dot_product_attention(x, x, x, attn_mask = m) }
    fn layer(i: u32[B, 4]) -> [B, 4] { linear(i) }
    fn images(m: bool[B, 4]) -> [B, 4] { norm(m) }
    fn sequence(i: u32[B, T, 4]) -> [B, T, 4] { gru(i)[0] }
    fn state(x: [B, T, 4], i: i32[1, B, 4]) -> [B, T, 4] { gru(x, i)[0] }
    fn lengths(x: [B, T, 4], n: [B]) -> [B, T, 4] { gru(x, lengths = n)[0] }
    fn classes(x: [B, 4], m: bool[B]) -> [] { loss(x, m) }
    fn weights(x: [B, 4], y: u32[B], w: u32[4]) -> [] { cross_entropy(x, y, weight = w) }
    fn targets(x: [B], y: u32[B]) -> [] { binary_cross_entropy(sigmoid(x), y) }
    fn neither(x: u32[B], y: u32[B]) -> [] { mse_loss(x, y) }
    fn positions(x: [B, 4], m: bool[B, 4]) -> [B, 4] { x.gather(1, m) }
    fn source(x: [B, 4], i: u32[2], s: i32[B, 2]) -> [B, 4] { x.index_copy(1, i, s) }
    fn filled(x: [B, 4], i: i32[B, 4]) -> [B, 4] { x.masked_fill(i, 0) }
    fn means(x: [B, 4], y: u32[B]) -> [] { (argmax(x, 1) == y).mean() }
    fn products(x: u32[B, 4]) -> [B, 4] { x.matmul(linear.weight) }
    fn difference(m: bool[B]) -> i32[B] { 1 - m }
    fn turned(i: u32[B]) -> bool[B] { !i }
    fn power(i: i32[B]) -> i32[B] { pow(i, -1) }
    fn powers(i: i32[B]) -> i32[B] { pow(2, i) }
    fn large(i: i64[B]) -> i64[B] { i + 30000000000000000000 }
    fn larger(i: i64[B]) -> i64[B] { (i * 0 + 9000000000000000000) + 9000000000000000000 }
    fn product(i: i64[B]) -> i64[B] { i + 5 * 5000000000000000000 }
    fn own(x: [B, 4]) -> [B, 4] { linear(x) }
    fn called(i: u32[B, 4]) -> [B, 4] { own(i) }
}

fn main() {}
