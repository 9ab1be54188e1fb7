use netform::prelude::*;

mod parsed {
    use super::*;
    network! {
        struct Net {
            bare: Sequential,
            empty: Sequential(),
            nothing: [],
            joined: Sequential(Linear(8 -> 8) ReLU()),
            #[name = "a..b"]
            dotted: Linear(8 -> 8),
            #[name(layer)]
            braced: Linear(8 -> 8),
        }
        fn forward(x: [B, 8]) -> [B, 8] { x }
    }
}

mod declared {
    use super::*;
    network! {
        struct Net {
            unknown: Sequential(Linear(8 -> 8), Relu(), Linear(8 -> 8)),
            misfit: Sequential(Linear(8 -> 16), Linear(8 -> 8)),
            heads: [Linear(8 -> 2), Linear(8 -> 3)],
            two: Sequential(first = Linear(8 -> 8), first = Linear(8 -> 8)),
            #[name = "heads.0"]
            again: Linear(8 -> 2),
        }
        fn chained(x: [B, 8]) -> [B, 8] { misfit(x) }
        fn called(x: [B, 8]) -> [B, 2] { heads(x) }
        fn beyond(x: [B, 8]) -> [B, 2] { heads[2](x) }
        fn chosen(x: [B, 8], i: i64[]) -> [B, 2] { heads[i](x) }
        fn rest(x: [B, 8]) -> [B, 8] { unknown(two(x)) + again(x).sum() }
        fn looped(x: [B, 8]) -> [B, 8] {
            let mut x = x;
            for head in heads { x = head(x); }
            x
        }
        fn zipped(x: [B, 8], y: [3, B, 8]) -> [] {
            let mut z = x.sum();
            for (head, part) in zip(heads, y) { z += head(part).sum(); }
            z
        }
    }
}

mod started {
    use super::*;
    network! {
        struct Net {
            misspelt: Linear(8 -> 8, init = xavier_unifrom()),
            no_kernel: Linear(8 -> 8, init = dirac()),
            no_bias: Linear(8 -> 8, bias = false, bias_init = zeros),
            nothing: Dropout(0.5, init = ones),
            gain: Linear(8 -> 8, init = kaiming_normal(nonlinearity = "swish")),
            vector: Param[8] = xavier_normal(),
        }
        fn forward(x: [B, 8]) -> [B, 8] { x }
    }
}

fn main() {}
