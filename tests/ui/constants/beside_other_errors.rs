use netform::prelude::*;

const IMAGE: usize = 32;
const PATCH: usize = 4;
const TOKENS: usize = (IMAGE / PATCH) * (IMAGE / PATCH);
const LAYERS: usize = 3;
const ROUNDS: usize = 2;
const RATE: f64 = 0.5;

network! {
    /// Only the body uses the constants. They cause no errors.
    struct Body { linear: Linear(8 -> 8) }
    fn forward(x: [B, 8]) -> [B, 8] {
        let y = linaer(x) * RATE;
        for _ in 0..ROUNDS { x; }
        y
    }
}

network! {
    /// The first error follows from the name of a dimension, which is a constant's.
    struct Mixer {
        patches: Conv2d(3 -> 8, PATCH, stride = PATCH),
        mix: Linear(TOKENS -> TOKENS),
    }
    fn forward(x: [B, 3, IMAGE, IMAGE]) -> [B, 8, TOKENS] { mix(patches(x).flatten(2)) }
}

network! {
    struct Positions { layers: [Linear(8 -> 8 * (i + 1)); LAYERS] }
    fn forward(x: [B, 8]) -> [B, 8] { layers[0](x) }
}

fn main() {}
