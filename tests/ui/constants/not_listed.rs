use netform::prelude::*;

const TIME: usize = 16;
const WIDTH: usize = 8;

network! {
    use const MISSING;
    struct Net { linear: Linear(WIDTH -> 8) }
    fn forward(x: [B, TIME, WIDTH]) -> [B, TIME, 8] { linear(x) }
}

network! {
    use std::f64::consts::PI;
    use const WIDTH: f32, WIDTH;
    struct Other { linear: Linear(8 -> 8) }
    fn forward(x: [B, 8]) -> [B, 8] { linear(x) }
}

fn main() {}
