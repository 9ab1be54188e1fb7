use netform::prelude::*;

network! {
    struct Net { one: Linear(4 -> 4), two: Linear(4 -> 4), scale: Param[4] }
    fn loss(x: [B, 4]) -> [] {
        where(one(x) > 0.0, x, 0.0).sum() + two(x).int().float().sum() + scale.detach().sum()
    }
}

mod fields {
    use super::*;
    network! {
        struct Inner { linear: Linear(4 -> 4) }
        fn forward(x: [B, 4]) -> [B, 4] { linear(x).detach() }
    }
    network! {
        struct Outer { inner: Inner, many: [Inner; 2], plain: [Linear(4 -> 4); 3] }
        fn loss(x: [B, 4]) -> [] {
            let mut h = inner(x);
            for layer in plain { h = layer(h.detach()); }
            many(h).sum()
        }
    }
}

fn main() {}
