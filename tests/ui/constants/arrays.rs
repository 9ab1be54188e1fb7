//! Arrays as constants: one element is a number, the array is none.
use netform::prelude::*;

const SCALES: [f64; 3] = [1.0, 2.0, 4.0];
const LENGTH: usize = 3;

network! {
    struct Indices {}
    fn whole(x: [B, 8]) -> [B, 8] { x * SCALES[1] * SCALES }
    fn last(x: [B, 8]) -> [B, 8] { x * SCALES[-1] }
    fn computed(x: [B, 8]) -> [B, 8] { x * SCALES[LENGTH - 1] }
}

mod part {
    use super::*;
    network! {
        struct Part {}
        fn part(x: [B, 2]) -> [B, 2] { x * SCALES[0..2] }
    }
}

mod whole {
    use super::*;
    network! {
        struct Whole {}
        fn whole(x: [B, 3]) -> [B, 3] { let q = SCALES; x * q }
    }
}

mod sizes {
    use super::*;
    network! {
        struct Sizes { linear: Linear(8 -> SCALES[0]) }
        fn forward(x: [B, 8]) -> [B, 8] { linear(x) }
    }
}

fn main() {}
