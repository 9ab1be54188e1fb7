use netform::prelude::*;

network! {
    struct Net {}
    fn forward(x: [8]) -> [2, 4] { x.reshape([-2, -4]) }
}

fn main() {}
