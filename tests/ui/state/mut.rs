use netform::prelude::*;

network! {
    struct Net {
        linear: Linear(4 -> 4),
    }
    fn step(x: [B, 4], #[state] h: [B, 4]) -> [B, 4] {
        h = tanh(linear(x) + h);
        h
    }
    fn plain(x: [B, 4]) -> [B, 4] { linear(x) }
    fn without(x: [B, 4], h: [B, 4]) -> [B, 4] { step(x, h) }
    fn not_mutable(x: [B, 4], h: [B, 4]) -> [B, 4] { step(x, &mut h) }
    fn of_a_function(x: [B, 4]) -> [B, 4] {
        let mut y = x;
        plain(&mut y)
    }
    fn of_an_op(x: [B, 4]) -> [B, 4] {
        let mut y = x;
        tanh(&mut y) + linear(&mut y)
    }
    fn of_a_value(x: [B, 4]) -> [B, 4] { plain(&x) }
}

fn main() {}
