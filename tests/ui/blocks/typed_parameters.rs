use netform::prelude::*;

const WIDE: bool = true;
const COUNT: usize = 2;

network! {
    struct Block<const D: usize, const SKIP: bool, const P: f64 = 0.5> {
        linear: Linear(D -> D),
        dropout: Dropout(P),
    }
    fn forward(x: [B, D]) -> [B, D] { if SKIP { x } else { dropout(linear(x)) } }
}

network! {
    struct Wrong {
        one: Block<4, 1>,
        word: Block<4, "yes">,
        size: Block<true, false>,
        number: Block<4, true, "half">,
        count: Block<4>,
        shape: Block<4, {D > 2}>,
    }
    fn forward(x: [B, 4]) -> [B, 4] { shape(count(number(size(word(one(x)))))) }
}

network! {
    struct Sizes<const SKIP: bool, const P: f64> {
        scale: Param[SKIP, 4],
        linear: Linear(4 -> P),
    }
    fn forward(x: [B, SKIP]) -> [B, P] { x }
}

network! {
    struct Compared<const SKIP: bool> {
        linear: Linear(4 -> 4),
    }
    fn forward(x: [B, 4]) -> [B, 4] { if SKIP > 0 { linear(x) } else { x.view(B, WIDE) } }
    fn other(x: [B, 4]) -> [B, 4] { if WIDE { linear(x) } else { x } }
}

network! {
    struct NotOne {
        block: Block<4, COUNT>,
    }
    fn forward(x: [B, 4]) -> [B, 4] { block(x) }
    fn loss(x: [B, 4]) -> [] { forward(x).mean() }
}

fn main() {}
