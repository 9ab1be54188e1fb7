use netform::prelude::*;

network! {
    struct Net {
        conv1: Conv2d(1 -> 4, kernel_size = 3),
        conv2: Conv2d(6 -> 8, kernel_size = 3),
        text: Conv1d(32 -> 8, kernel_size = 3),
        up: ConvTranspose2d(3 -> 1, kernel_size = 2),
    }
    fn forward(x: [B, 1, 28, 28]) -> [B, 8, 24, 24] {
        let x = relu(conv1(x));
        conv2(x)
    }
    fn words(x: [B, T, 32]) -> [B, 8, T] { text(x) }
    fn larger(x: [B, 4, 5, 5]) -> [B, 1, 6, 6] { up(x) }
    fn own(x: [B, 4, 5, 5], w: [8, 3, 3, 3]) -> [B, 8, 3, 3] { conv2d(x, w) }
    fn one(x: [B, 3, 5, 5], w: [8, 3, 3]) -> [B, 8, 3, 3] { conv2d(x, w) }
    fn bias(x: [B, 3, 5], w: [8, 3, 3], b: [3]) -> [B, 8, 3] { conv1d(x, w, b) }
    fn loss(x: [B, 1, 28, 28]) -> [] { sum(forward(x)) }
}

fn main() {}
