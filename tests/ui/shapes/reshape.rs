use netform::prelude::*;

network! {
    struct Net {}
    fn forward(x: [B, 12]) -> [B, 10] { x.reshape([B, 10]) }
}

fn main() {}
