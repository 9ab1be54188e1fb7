use netform::prelude::*;

network! {
    struct Net {}
    fn forward(x: [2, 5]) -> [3, 3] { x.reshape([3, -1]) }
}

fn main() {}
