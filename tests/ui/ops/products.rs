use netform::prelude::*;

network! {
    struct Net {}
    fn of_a_scalar(x: [B, 3], y: []) -> [B] { matmul(x, y) }
    fn leading(x: [2, 3, 4], y: [3, 4, 5]) -> [2, 3, 5] { matmul(x, y) }
    fn weight_in_out(x: [B, 3], w: [3, 5]) -> [B, 5] { linear(x, w) }
    fn bias_of_others(x: [B, 3], w: [5, 3], b: [3]) -> [B, 5] { linear(x, w, b) }
    fn equation_last(x: [B, 3], y: [3, 4]) -> [B, 4] { einsum(x, y, "ij,jk->ik") }
    fn one_too_few(x: [B, 3]) -> [B, 4] { einsum("ij,jk->ik", x) }
    fn of_a_number(x: [B, 3]) -> [B, 3] { einsum("ij,->ij", x, 2.0) }
    fn of_nobody() -> [] { einsum("") }
    fn no_letter(x: [B, 3]) -> [3, B] { einsum("i1->1i", x) }
    fn other_rank(x: [B, 3]) -> [B] { einsum("ijk->i", x) }
}

fn main() {}
