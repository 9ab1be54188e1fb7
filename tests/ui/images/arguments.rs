use netform::prelude::*;

network! {
    struct Net {
        mode: Conv2d(1 -> 8, kernel_size = 3, padding = 1, padding_mode = "reflected"),
        same: Conv2d(1 -> 8, kernel_size = 3, stride = 2, padding = "same"),
        full: Conv2d(1 -> 8, kernel_size = 3, padding = "full"),
        three: Conv2d(1 -> 8, kernel_size = (3, 3, 3)),
        still: Conv2d(1 -> 8, kernel_size = 3, stride = 0),
        up: ConvTranspose2d(1 -> 8, kernel_size = 3, stride = 2, output_padding = 2),
        without: Conv2d(1 -> 8),
        pool: MaxPool2d(2, padding = 2),
        wide: AvgPool1d(3, padding = 2),
    }
    fn pools(x: [B, 1, 8, 8], y: [B, 1, 8]) -> [] { sum(pool(x)) + sum(wide(y)) }
    fn both(x: [B, 1, 8, 8]) -> [B, 1, 16, 16] { interpolate(x, size = 16, scale_factor = 2) }
    fn neither(x: [B, 1, 8, 8]) -> [B, 1, 16, 16] { interpolate(x) }
    fn cut(x: [B, 1, 1], w: [1, 1, 2]) -> [B, 1, 0] { conv_transpose1d(x, w, padding = 1) }
    fn mirror(x: [B, 1, 2]) -> [B, 1, 6] { pad(x, [2, 2], mode = "reflect") }
    fn loss(x: [B, 1, 8, 8]) -> [] { sum(mode(x)) }
}

fn main() {}
