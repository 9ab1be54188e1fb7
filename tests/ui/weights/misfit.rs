use netform::prelude::*;

mod parts {
    netform::network! {
        pub struct Block<const D: usize> {
            inner: Linear(D -> D),
        }

        fn forward(x: [B, D]) -> [B, D] {
            x + inner(x)
        }
    }
}

use parts::Block;

network! {
    #[weights("tests/weights/misfit.safetensors")]
    struct Net {
        token: Embedding(4 -> 3),
        blocks: [Block<3>; 2],
        head: Linear(3 -> 4, bias = false),
        head.weight = token.weight,
    }

    fn forward(x: u32[B]) -> [B, 4] {
        let mut h = token(x);
        for block in blocks {
            h = block(h);
        }
        head(h)
    }
}

fn main() {
    // The constructor is there all the same.
    let _ = Net::pretrained(Cpu::new(), 0);
}
