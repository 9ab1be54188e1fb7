use netform::prelude::*;

const SHIFT: f64 = 0.5;
const WIDTH: f64 = 8.0;
const RATE: usize = 2;

mod config {
    pub const RATE: f64 = 2.5;
}

network! {
    /// A fraction beside integers.
    struct Shifts { linear: Linear(4 -> 4) }
    fn forward(x: [B, 4], ids: i64[B]) -> i64[B] { (ids + SHIFT) * linear(x).argmax(1) }
}

network! {
    /// A float as a size.
    struct Wide { linear: Linear(4 -> WIDTH) }
    fn forward(x: [B, 4]) -> [B, WIDTH] { linear(x) }
}

mod net {
    use super::*;
    use super::config::RATE;

    network! {
        /// The file has another value around the module.
        struct Rated { linear: Linear(4 -> 4) }
        fn forward(x: [B, 4]) -> [B, 8] {
            let mut x = linear(x);
            for _ in 0..1 { x = cat([x, x * RATE], dim = 1); }
            let list = [RATE, RATE];
            x * list[0 * (RATE - 1)]
        }
    }
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
