use netform::prelude::*;

network! {
    struct Net {
        conv: Conv2d(1 -> 8, kernel_size = 3),
        line: Conv1d(1 -> 8, kernel_size = 3),
        pool: MaxPool2d(2),
        color: Conv2d(3 -> 4, kernel_size = 3),
        voices: Conv1d(2 -> 4, kernel_size = 3),
    }
    fn gray(x: [B, 28, 28]) -> [B, 8, 26, 26] { conv(x) }
    fn flat(x: [B, 784]) -> [B, 8, 26, 26] { conv(x) }
    fn sequence(x: [B, T]) -> [B, 8, T] { line(x) }
    fn pooled(x: [28, 28]) -> [14, 14] { pool(x) }
    fn one(x: [28, 30]) -> [4, 26, 28] { color(x) }
    fn speech(x: [T]) -> [4, T - 2] { voices(x) }
    fn mono(x: [T]) -> [8, T - 2] { line(x) }
    fn volume(x: [B, 3, 4, 28, 28]) -> [B, 3, 4, 14, 14] { pool(x) }
    fn resized(x: [3, 28, 28]) -> [3, 56, 56] { interpolate(x, scale_factor = 2, mode = "bilinear") }
    fn larger(x: [B, 2, 5]) -> [B, 2, 10] { interpolate(x, scale_factor = 2, mode = "bilinear") }
    fn loss(x: [B, 28, 28], y: [B, T]) -> [] { sum(gray(x)) + sum(sequence(y)) }
}

fn main() {}
