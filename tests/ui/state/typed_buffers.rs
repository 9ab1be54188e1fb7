//! Buffers of other types than they can have, and values of other types than they hold.

use netform::prelude::*;

network! {
    struct Wrong {
        a: Buffer<u32>[4],
        b: Buffer<f64>[4],
        c: Buffer<bool>[4] = 2,
        d: Buffer<i64>[4] = 0.5,
        e: Buffer<i64>[4] = normal(1.0),
        f: Buffer<Vec>[4],
    }
    fn forward(x: [B, 4]) -> [B, 4] { x }
}

network! {
    struct Assigned {
        count: Buffer<i64>[],
        seen: Buffer<bool>[4],
        linear: Linear(4 -> 4),
    }
    fn forward(x: [B, 4]) -> [B, 4] {
        count = count + 0.5;
        seen = x.sum(0);
        count = x.sum() > 0.0;
        seen = count;
        linear(x)
    }
    fn sum(x: [B, 4]) -> [] {
        seen = x > 0.0;
        linear(x).sum()
    }
}

fn main() {}
