use netform::prelude::*;

network! {
    struct Net {
        layers: [Linear(4 -> 4); 3],
    }
    fn lengths(x: [B, 4], y: [2, B, 4]) -> [B, 4] {
        let mut x = x;
        for (layer, y) in zip(layers, y) { x = layer(x) + y; }
        x
    }
    fn names(x: [B, 4], y: [3, B, 4]) -> [B, 4] {
        let mut x = x;
        for (layer, y) in zip(layers, y, y) { x = layer(x) + y; }
        x
    }
    fn pairs(x: [B, 4]) -> [B, 4] {
        let mut x = x;
        for (layer, y) in layers { x = layer(x) + y; }
        x
    }
    fn fixed(x: [B, 4], y: [3, B, 4]) -> [B, 4] {
        let mut x = x;
        for (layer, y) in zip(layers, y) {
            y = layer(x);
            x = y;
        }
        x
    }
    fn tensors(x: [3, B], y: [3, B]) -> [B] {
        let mut sum = zeros([B]);
        for (a, b) in zip(x, y) { sum = sum + a * b; }
        sum
    }
}

fn main() {}
