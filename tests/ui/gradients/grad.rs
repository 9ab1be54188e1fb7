use netform::prelude::*;

network! {
    struct Net {
        linear: Linear(4 -> 3),
    }

    fn vector(x: [B, 4]) -> [B, 4] {
        grad(linear(x), x)
    }

    fn positions(x: [B, 4], at: u32[B]) -> [B] {
        grad(linear(x).sum(), at)
    }

    fn alone(x: [B, 4]) -> [B, 4] {
        grad(linear(x).sum())
    }

    fn of_a_layer(x: [B, 4]) -> [3, 4] {
        grad(linear(x).sum(), linear)
    }

    fn from_outside(x: [B, T, 4], w: [4]) -> [B, 4] {
        let (last, _) = scan(x, zeros([B, 4]), |h, x_t| {
            let y = (h * x_t * w).sum();
            let h = h * grad(y, w);
            (h, h)
        });
        last
    }

    fn misspelt(x: [B, 4]) -> [B, 4] {
        gard(linear(x).sum(), x)
    }
}

fn main() {}
