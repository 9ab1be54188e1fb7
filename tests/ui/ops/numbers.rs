use netform::prelude::*;

network! {
    struct Net {
        table: Embedding(5 -> 3, padding_idx = 5),
    }
    fn unbounded(x: [B]) -> [B] { clamp(x) }
    fn of_order_fro(x: [B]) -> [] { norm(x, "fro") }
    fn gathered(x: [B, 3], i: u32[B]) -> [B] { gather(x, 1, i) }
    fn selected(x: [B, 3], i: u32[2, 2]) -> [B, 2, 2] { index_select(x, 1, i) }
    fn no_matrix(i: u32[B], w: [5]) -> [B] { embedding(i, w) }
    fn no_row(i: u32[B], w: [5, 2]) -> [B, 2] { embedding(i, w, padding_idx = -6) }
    fn some_row_from_the_end(i: u32[B], w: [N, 2]) -> [B, 2] { embedding(i, w, padding_idx = -1) }
    fn no_class(i: u32[B]) -> [B, 0] { one_hot(i, 0) }
    fn fewer_than_none(i: u32[B]) -> [B, 0] { one_hot(i, -1) }
    fn nothing(x: [B]) -> [B] { clamp(x, null, 1.0) }
    fn looked_up(i: u32[B]) -> [B, 3] { table(i) }
    fn no_delta(x: [B], t: [B]) -> [] { huber_loss(x, t, delta = 0.0) }
    fn wider_weight(x: [B], t: [B], w: [3, B]) -> [] { binary_cross_entropy(x, t, weight = w) }
    fn wider_positive(x: [B], t: [B], w: [3, B]) -> [] { binary_cross_entropy_with_logits(x, t, pos_weight = w) }
    fn weight_of_samples(x: [B, 3], t: u32[B], w: [B]) -> [] { cross_entropy(x, t, weight = w) }
    fn pairs(x: [B, 3], y: [B, 3], t: [B, 1]) -> [] { cosine_embedding_loss(x, y, t) }
}

fn main() {}
