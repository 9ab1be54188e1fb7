use netform::prelude::*;

const WIDTH: usize = 32;
const SIDE: usize = 8;

network! {
    use const SIDE, WIDTH;
    struct Net { first: Linear(32 -> 8), second: Linear(64 -> 8), map: Param[15, 3] }
    fn both(x: [B, WIDTH]) -> [B, 8] { first(x) + second(x) }
    fn square(x: [SIDE * SIDE, 3]) -> [15, 3] { x + map }
}

fn main() {}
