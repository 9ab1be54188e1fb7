use netform::prelude::*;

const WIDE: usize = 1000;

network! {
    struct Net {
        up: Linear(64 -> 512),
        down: Linear(512 -> 10),
    }

    #[memory(max = "64 KiB")]
    fn loss(x: [32, 64], y: u32[32]) -> [] {
        let hidden = relu(up(x));
        cross_entropy(down(hidden), y)
    }
}

network! {
    struct Opaque {
        up: Linear(64 -> WIDE),
    }

    #[memory(max = "1.5 KB")]
    fn forward(x: [32, 64]) -> [32, WIDE] {
        up(x)
    }
}

fn main() {}
