use netform::prelude::*;

const DEPTH: usize = 2;
const WIDTHS: [usize; 2] = [8, 4];

macro_rules! constant {
    ($name:ident, $value:expr) => {
        constant!($name: usize, $value);
    };
    ($name:ident: $ty:ty, $value:expr) => {
        const $name: $ty = $value;
    };
}

constant!(HIDDEN, 3);

network! {
    /// The file has no such constant.
    struct NotFound { linear: Linear(8 -> 8) }
    fn forward(x: [B, 8]) -> [B, 8 * 2 ** HIDDEN] {
        let mut x = linear(x);
        for _ in 0..HIDDEN { x = cat([x, x], dim = 1); }
        x
    }
}

network! {
    /// A mistake with the values.
    struct Mistake { layers: [Linear(8 -> 8); DEPTH] }
    fn forward(x: [B, 8]) -> [B, 8] {
        let mut x = x;
        for layer in layers { x = cat([x, layer(x)], dim = 1); }
        x
    }
}

const RATE: usize = 2;

mod net {
    use super::*;

    constant!(RATE: f64, 2.5);

    network! {
        /// The module has another constant than the file around it, but a macro declares it.
        struct Rated { linear: Linear(4 -> 4) }
        fn forward(x: [B, 4]) -> [B, 16] {
            let mut x = linear(x);
            for _ in 0..DEPTH { x = cat([x, x * RATE], dim = 1); }
            x
        }
    }
}

fn main() {
    // The file has another value.
    constant!(DEPTH, 3);
    constant!(WIDTHS: [usize; 3], [8, 4, 4]);
    network! {
        struct Other { layers: [Linear(8 + i -> 1); DEPTH] }
        fn forward(x: [B, 8]) -> [B, 8 + DEPTH] {
            let mut x = x;
            for layer in layers { x = cat([x, layer(x)], dim = 1); }
            x
        }
    }
    network! {
        struct Longer { first: Linear(8 -> 8) }
        fn forward(x: [B, 8]) -> [B, 8] {
            let mut x = first(x);
            for w in WIDTHS { x = x + w; }
            x
        }
    }
}
