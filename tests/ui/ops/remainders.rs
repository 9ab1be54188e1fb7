use netform::prelude::*;

network! {
    struct Net {
        linear: Linear(4 -> 4),
    }
    fn by_tensor(x: i64[N], y: i64[N]) -> i64[N] { x % y }
    fn by_zero(x: i64[N]) -> i64[N] { x % 0 }
    fn of_exponents(x: i64[N]) -> i64[N] { 2 ** x }
    fn by_float(x: [N, 4], i: [N]) -> [N] { x[arange(N), i] }
    fn apart(x: [N, 4, 4], i: i64[N]) -> [N, 4] { x[i, :, i] }
    fn masked(x: [N, 4], m: bool[N]) -> [N] { x[m, 0] }
    fn mixed(x: [N, 4]) -> [N, 4] {
        let mut x = x;
        for (layer, y) in zip([linear], reversed(x)) { x = layer(x) + y; }
        x
    }
    fn grows(x: [N, 4]) -> [N, 4] {
        let mut x = x;
        for i in 0..N { x = cat([x, linear(x) * i], dim = 1); }
        x
    }
}

fn main() {}
