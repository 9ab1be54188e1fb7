use netform::prelude::*;

network! {
    struct Net {}
    fn forward(x: [B]) -> [B] {
        if x > 0 { x } else { 0 - x }
    }
}

fn main() {}
