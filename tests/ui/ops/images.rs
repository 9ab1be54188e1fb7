use netform::prelude::*;

network! {
    struct Net {}
    fn by_nothing(x: [B, 3, 8, 8]) -> [B, 3, 4, 4] { avg_pool2d(x, 2, divisor_override = 0) }
    fn corners(x: [B, 3, 8, 8]) -> [B, 3, 4, 4] { interpolate(x, size = 4, mode = "nearest", align_corners = true) }
    fn unknown_size(x: [B, 3, W]) -> [B, 3, W] { interpolate(x, scale_factor = 0.7) }
    fn negative_factor(x: [B, 3, 8, 8]) -> [B, 3, 8, 8] { interpolate(x, scale_factor = -1.0) }
    fn sizes(x: [B, 3, 8, 8]) -> [B, 3, 4, 8] { adaptive_avg_pool2d(x, ["4", None]) }
    fn no_channels(x: [B]) -> [B] { instance_norm(x) }
    fn uneven(x: [B, 3, W], y: [B, V]) -> [B, 3, V] { adaptive_max_pool1d(x, V) + y.unsqueeze(1) }
}

fn main() {}
