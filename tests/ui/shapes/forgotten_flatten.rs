use netform::prelude::*;

network! {
    struct Net {
        linear: Linear(784 -> 10),
    }
    fn forward(image: [B, 28, 28]) -> [B, 10] { linear(image) }
}

fn main() {}
