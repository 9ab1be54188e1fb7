use netform::prelude::*;

network! {
    struct Net {
        first: Linear(8 -> 8),
        layers: [Linear(8 -> 8); 3],
        layers.weight = first.weight,
    }

    fn forward(x: [B, 8]) -> [B, 8] {
        layers[0](first(x))
    }
}

fn main() {}
