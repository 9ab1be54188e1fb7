use netform::prelude::*;


network! {
    struct Tree {
        left: Tree,
        linear: Linear(8 -> 8),
    }
    fn forward(x: [B, 8]) -> [B, 8] { left(linear(x)) }
}

fn main() {}
