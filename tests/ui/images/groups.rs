use netform::prelude::*;

network! {
    struct Net {
        conv: Conv2d(6 -> 8, kernel_size = 3, groups = 3),
        none: Conv2d(6 -> 8, kernel_size = 3, groups = 0),
        input: Conv1d(5 -> 8, kernel_size = 3, groups = 2),
    }
    fn own(x: [B, 4, 5, 5], w: [3, 2, 3, 3]) -> [B, 3, 3, 3] { conv2d(x, w, groups = 2) }
    fn loss(x: [B, 6, 28, 28]) -> [] { sum(conv(x)) }
}

fn main() {}
