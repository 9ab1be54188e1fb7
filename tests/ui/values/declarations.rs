use netform::prelude::*;

mod fields {
    use super::*;
    network! {
        struct Net<const N: usize> where N > 1 {
            computed: Linear(relu(8) -> 3),
            compared: Linear(8 -> 3, bias = N < 2),
            two_numbers: Linear(8 -> 3, bias = 1 < 2),
            two_fractions: Linear(8 -> 3, bias = 0.5 < 1.5),
            none_wide: Param[0, 3] = zeros,
            other: Param[3] = gamma(1.0),
            of_a_layer: TransformerEncoder(8, num_layers = 2),
            forward: Linear(8 -> 3),
        }
        fn forward(x: [B, 8]) -> [B, 3] { x }
    }
}

mod sizes {
    use super::*;
    network! {
        struct Net<const N: usize = 1.5> {}
        fn many(x: [A, B, C, D, E, F, G]) -> [A, B] { x.sum([2, 3, 4, 5, 6]) }
        fn names(x: [A, B, C, D, E], y: [F, G, H, I]) -> [A, B] { x.sum([2, 3, 4]) * y.sum() }
        fn alone(x: [B * C, 8]) -> [] { x.sum() }
        fn lower_case(x: [batch, 8]) -> [] { x.sum() }
        fn called(x: [ceil(B / 2), B]) -> [] { x.sum() }
        fn rounded(x: [floor(B), B]) -> [] { x.sum() }
    }
}

mod keeps {
    use super::*;
    network! {
        struct Net {}
        fn a(x: [A, B, C, D], #[state] s: [A, B, C, D]) -> [] { s = x; s.sum() }
        fn b(x: [E, F, G, H], #[state] t: [E, F, G, H]) -> [] { t = x; t.sum() }
        fn c(x: [I], #[state] u: [I]) -> [] { u = x; u.sum() }
    }
}

fn main() {}
