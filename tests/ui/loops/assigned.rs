use netform::prelude::*;

network! {
    struct Net { rnn: Linear(4 -> 4), layers: [Linear(4 -> 4); 3] }
    fn step(x: [B, T, 4]) -> [B, 4] {
        let (h, _) = scan(x, zeros([B, 4]), |h, x_t| { h = rnn(h) + x_t; (h, h) });
        h
    }
    fn part(x: [3, B, 4]) -> [B, 4] {
        let mut y = x[0];
        for (layer, part) in zip(layers, relu(x)) { part = layer(part); y = layer(y); }
        y
    }
    fn of_a_layer(x: [B, 4]) -> [B, 4] {
        let mut y = x;
        for layer in layers { y = layer(y); layer = y; }
        y
    }
    fn by_name(x: [B, 4]) -> [B, 4] { layers(x = x) }
    fn of_a_text(x: [B, 4]) -> [B, 4] { layers("x") }
    fn dropped(x: [B, 4]) -> [B, 4] { relu(x); if training { rnn(x); } rnn(x) }
}

fn main() {}
