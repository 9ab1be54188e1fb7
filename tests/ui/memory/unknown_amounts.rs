use netform::prelude::*;

network! {
    struct Net {
        up: Linear(64 -> 512),
    }

    #[memory(max = "64 KiB")]
    fn of_a_batch(x: [B, 64]) -> [B, 512] {
        up(x)
    }

    #[memory(max = "64 kilobytes")]
    fn no_unit(x: [32, 64]) -> [32, 512] {
        up(x)
    }

    #[memory(min = "64 KiB")]
    fn no_max(x: [32, 64]) -> [32, 512] {
        up(x)
    }

    #[memory]
    fn nothing(x: [32, 64]) -> [32, 512] {
        up(x)
    }
}

fn main() {}
