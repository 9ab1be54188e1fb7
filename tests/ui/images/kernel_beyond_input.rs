use netform::prelude::*;

network! {
    struct Net {
        conv1: Conv2d(1 -> 4, kernel_size = 3),
        conv2: Conv2d(4 -> 8, kernel_size = 5),
        dilated: Conv1d(2 -> 2, kernel_size = 3, padding = 1, dilation = 3),
    }
    fn forward(x: [B, 1, 6, 9]) -> [B, 8, 1, 3] {
        let x = relu(conv1(x));
        conv2(x)
    }
    fn sequence(x: [B, 2, 4]) -> [B, 2, 1] { dilated(x) }
    fn pooled(x: [B, 2, 3, 3]) -> [B, 2, 1, 1] { max_pool2d(x, [2, 4]) }
    fn loss(x: [B, 1, 6, 9], y: [B, 2, 4]) -> [] { sum(forward(x)) + sum(sequence(y)) }
}

fn main() {}
