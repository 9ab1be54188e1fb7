use netform::prelude::*;

network! {
    struct Net {
        scales: [Param[8]; 3],
    }
    fn forward(x: [B, 8]) -> [B, 8] { x * scales[0] }
}

fn main() {}
