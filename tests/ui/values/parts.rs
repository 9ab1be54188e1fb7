use netform::prelude::*;

network! {
    struct Net { seen: Buffer[3], w: Param[3, 4], norm: LayerNorm(4) }
    fn too_wide(x: [B, 4]) -> [B, 4] {
        let mut y = x;
        y[:, 1:3] = [1, 2, 3];
        y
    }
    fn fixed(x: [B, 4]) -> [B, 4] {
        let y = x;
        y[0] = 1;
        y
    }
    fn of_a_parameter(x: [3, 4]) -> [3, 4] {
        w[0] = x[0];
        w
    }
    fn floats_in_integers(n: i64[3], x: [3]) -> i64[3] {
        let mut n = n;
        n[1] = x[1];
        n
    }
    fn of_a_call(x: [B, 4]) -> [B, 4] {
        norm(x)[0] = 1;
        x
    }
    fn outside(x: [3, 4]) -> [3, 4] {
        let mut y = x;
        y[3] += 1;
        y
    }
    fn used(x: [B, 4]) -> [B, 4] { seen = x[0, :3]; norm(x) }
}

fn main() {}

mod sizes {
    use super::*;
    network! {
        struct Sizes { half: Linear(8.5 -> 3), none: Linear(8 -> 0), both: Conv2d(0 -> -1, 3) }
        fn forward(x: [B, 8]) -> [B, 8] { x }
    }
    network! {
        struct Masked { linear: Linear(8 -> 8) }
        fn chosen(x: [B, 8]) -> [B, 8] {
            let y = linear(x);
            y[y > 0]
        }
    }
}
