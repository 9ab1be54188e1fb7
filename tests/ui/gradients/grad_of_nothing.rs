use netform::prelude::*;

network! {
    struct Net {
        linear: Linear(4 -> 3),
    }

    fn unrelated(x: [B, 4], z: [B, 4]) -> ([B, 4], [B, 4]) {
        let y = linear(x).sum();
        grad(y, (x, z))
    }

    fn stopped(x: [B, 4]) -> [B, 4] {
        grad(linear(x.detach()).sum(), x)
    }
}

fn main() {}
