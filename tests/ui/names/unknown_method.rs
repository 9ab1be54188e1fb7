use netform::prelude::*;

network! {
    struct Net {}
    fn forward(x: [B]) -> [B] { x.sigmoyd() }
}

fn main() {}
