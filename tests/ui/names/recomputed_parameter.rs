use netform::prelude::*;

network! {
    struct Net {
        #[recompute]
        scale: Param[8] = ones,
    }

    fn forward(x: [B, 8]) -> [B, 8] {
        x * scale
    }
}

fn main() {}
