use netform::prelude::*;

network! {
    struct Net {
        first: Linear(8 -> 8),
        layers: [Linear(8 -> 8); 3],
        layers[0].weight = first.weight,
        first.weight = layers[1].weight,
        first.bias,
    }

    fn forward(x: [B, 8]) -> [B, 8] {
        layers[0](first(x))
    }
}

fn main() {}
