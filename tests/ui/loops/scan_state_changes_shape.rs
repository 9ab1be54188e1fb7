use netform::prelude::*;

network! {
    struct Net {
        up: Linear(4 -> 6),
    }
    fn last(x: [B, T, 4]) -> [B, 4] {
        let (h, _) = scan(x, zeros([B, 4]), |h, x_t| {
            let h = up(h + x_t);
            (h, h)
        });
        h
    }
}

fn main() {}
