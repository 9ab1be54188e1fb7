use netform::prelude::*;

network! {
    struct Net {
        norm: BatchNorm1d(8),
    }
    fn forward(x: [1, 8]) -> [1, 8] { norm(x) }
    #[eval]
    fn evaluated(x: [1, 8]) -> [1, 8] { norm(x) }
}

network! {
    struct Instances {
        norm: InstanceNorm2d(8),
    }
    fn forward(x: [B, 8, 1, 1]) -> [B, 8, 1, 1] { norm(x) }
}

fn main() {}
