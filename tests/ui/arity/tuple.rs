use netform::prelude::*;

network! {
    struct Net {}
    fn forward(x: [B, 8]) -> [B] {
        let (values, indices, rest) = max(x, dim = 1);
        values
    }
}

fn main() {}
