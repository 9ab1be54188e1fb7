use netform::prelude::*;

network! {
    struct Net {}
    fn two_free(x: [2, 6]) -> [2, 3, 2] { x.reshape([-1, 3, -1]) }
    fn backwards(x: [B, 3, 4]) -> [B, 12] { x.flatten(2, 1) }
    fn unflattened(x: [B, 12]) -> [B, 3, 5] { x.unflatten(1, [3, 5]) }
    fn of_a_stack(x: [B, 3, 4]) -> [B, 4, 3] { x.t() }
    fn twice(x: [B, 3, 4]) -> [B, 3, 3] { x.permute(0, 1, 1) }
    fn new_dimension(x: [B, 3]) -> [B, 3, 1] { x.unsqueeze(3) }
    fn expanded(x: [B, 3]) -> [B, 4] { x.expand([B, 4]) }
    fn repeated(x: [B, 3]) -> [B, 6] { x.repeat(2) }
    fn half_a_number(x: [B, 6]) -> [B, 2] { x[.., 0.5..2] }
    fn backwards_slice(x: [B, 6]) -> [B, 6] { x.slice(1, step = -1) }
    fn half_an_index(x: [B, 6]) -> [B] { x[.., 0.5] }
    fn unknown_pieces(x: [B, 6]) -> [2, 6] {
        let (a, b) = x.split(2);
        a
    }
    fn no_chunks(x: [B, 6]) -> [B, 6] {
        let (a, b) = x.chunk(0, dim = 1);
        a
    }
    fn of_nothing(x: [B, 6]) -> [B, 6] { cat([], dim = 1) }
    fn stacked(x: [B, 6], y: [B, 5]) -> [2, B, 6] { stack([x, y]) }
    fn half_padded(x: [B, 6]) -> [B, 7] { x.pad([1]) }
    fn cut(x: [B, 6]) -> [B, 5] { x.pad([-1, 0], mode = "reflect") }
    fn cut_too_far(x: [2, 6]) -> [2, 0] { x.pad([-4, -3]) }
    fn half_a_symbol(x: u32[B]) -> u32[B + 1] { x.pad([1, 0], value = 0.5) }
    fn twice_true(x: bool[B]) -> bool[B + 1] { x.pad([1, 0], value = 2) }
    fn summed_twice(x: [B, 6]) -> [] { x.sum([0, -2]) }
    fn of_a_scalar(x: []) -> [] { x.sum(0) }
    fn of_a_vector(x: [6]) -> [] { x.sum(1) }
    fn indexed(x: [B, 6], i: u32[]) -> [B] { x[.., i] }
    fn below_zero(x: [B, 6]) -> [B, 6] { x + zeros([-6]) }
}

fn main() {}
