use netform::prelude::*;

const WIDTH: f64 = 8.0;
network! {
    /// A float as a size.
    struct Wide { linear: Linear(4 -> WIDTH) }
    fn forward(x: [B, 4]) -> [B, WIDTH] { linear(x) }
}

network! {
    /// The macro finds no array.
    struct Pairs { linear: Linear(4 -> 4) }
    fn forward(x: [B, 4]) -> [B, 4] {
        let mut x = linear(x);
        for (k, s) in SETTINGS { x = x * k + s; }
        x
    }
}

fn main() {}
