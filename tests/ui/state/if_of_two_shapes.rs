use netform::prelude::*;

network! {
    struct Net {
        linear: Linear(4 -> 4),
    }
    fn forward(x: [B, 4]) -> [4] {
        let y = if training { x.mean(0) } else { x };
        let z = if training { x };
        let mut w = x;
        if training { w = w.mean(0); }
        if training { w * 2.0 }
        linear(y) + training
    }
}

fn main() {}
