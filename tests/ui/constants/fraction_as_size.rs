//! A constant that only the body of a network in a field uses, as a size, although it is a fraction.
use netform::prelude::*;

mod part {
    use netform::prelude::*;
    const WIDTH: f64 = 2.5;
    network! {
        pub struct Part {
            linear: Linear(4 -> 4),
        }
        fn forward(x: [B, 4]) -> [B, 4] { linear(x) + zeros(B, WIDTH).sum(1, keepdim = true) }
    }
}

network! {
    struct Net {
        part: part::Part,
    }
    fn forward(x: [B, 4]) -> [B, 4] { part(x) }
    fn loss(x: [B, 4]) -> [] { forward(x).mean() }
}

fn main() {}
