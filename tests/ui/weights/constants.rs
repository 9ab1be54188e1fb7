use netform::prelude::*;

const SIDE: usize = 5;
const COUNT: usize = 3;

network! {
    #[weights("tests/weights/fits.safetensors")]
    struct Net {
        token: Embedding(4 -> SIDE),
        blocks: [Inner; COUNT],
        head: Linear(3 -> 4, bias = false),
    }

    fn forward(x: u32[B], h: [B, 3]) -> ([B, SIDE], [B, 4]) {
        let mut h = h;
        for block in blocks {
            h = block(h);
        }
        (token(x), head(h))
    }
}

network! {
    struct Inner {
        inner: Linear(3 -> 3),
    }

    fn forward(x: [B, 3]) -> [B, 3] {
        inner(x)
    }
}

network! {
    #[weights("tests/weights/fits.safetensors")]
    struct Optional {
        token: Embedding(4 -> 3),
        blocks: [Inner; 2],
        #[when(COUNT == 3)]
        extra: Linear(3 -> 3),
        head: Linear(3 -> 4, bias = false),
        head.weight = token.weight,
    }

    fn forward(x: u32[B]) -> [B, 4] {
        let mut h = token(x);
        for block in blocks {
            h = block(h);
        }
        head(if COUNT == 3 { extra(h) } else { h })
    }
}

fn main() {}
