//! Defaults of const parameters.
use netform::prelude::*;

network! {
    struct Later<const I: usize, const O: usize = J, const J: usize = 2> { a: Linear(I -> O), b: Linear(O -> J) }
    fn forward(x: [B, I]) -> [B, J] { b(a(x)) }
}

network! {
    struct Less<const I: usize, const O: usize = I - 8> { a: Linear(I -> O) }
    fn forward(x: [B, I]) -> [B, O] { a(x) }
}

network! {
    struct Half<const I: usize, const O: usize = I / 2> { a: Linear(I -> O) }
    fn forward(x: [B, I]) -> [B, O] { a(x) }
}

network! {
    struct Outer { a: Less<4>, b: Half<5> }
    fn forward(x: [B, 4], y: [B, 5]) -> [B, 2] { a(x) + b(y) }
}

fn main() {}
