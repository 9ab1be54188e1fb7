//! MobileNetV2 (Sandler et al., 2018, "MobileNetV2: Inverted Residuals and Linear Bottlenecks").
//!
//! The names and shapes of the state dict are those of `torchvision.models.mobilenet_v2`. An image goes in as
//! `[B, 3, H, W]`, 224 by 224 in the paper. The scores of the classes come out as `[B, CLASSES]`.
//!
//! All channels are multiples of one width, which is the first const parameter. The second is the number of classes.

use netform::prelude::*;

network! {
    /// The first block does not widen its input.
    pub struct Separable<const I: usize, const O: usize> {
        conv: Sequential(
            Sequential(Conv2d(I -> I, 3, padding = 1, groups = I, bias = false), BatchNorm2d(I), ReLU6()),
            Conv2d(I -> O, 1, bias = false),
            BatchNorm2d(O),
        ),
    }
    fn forward(x: [B, I, H, W]) -> [B, O, H, W] { conv(x) }
}

network! {
    /// Widens its input sixfold, filters each channel, and narrows it again.
    pub struct Inverted<const I: usize, const O: usize, const S: usize = 1> {
        conv: Sequential(
            Sequential(Conv2d(I -> 6 * I, 1, bias = false), BatchNorm2d(6 * I), ReLU6()),
            Sequential(
                Conv2d(6 * I -> 6 * I, 3, stride = S, padding = 1, groups = 6 * I, bias = false),
                BatchNorm2d(6 * I),
                ReLU6(),
            ),
            Conv2d(6 * I -> O, 1, bias = false),
            BatchNorm2d(O),
        ),
    }
    fn forward(x: [B, I, H, W]) -> [B, O, floor((H - 1) / S) + 1, floor((W - 1) / S) + 1] { conv(x) }
}

network! {
    /// The same with a skip connection: the size does not change.
    pub struct Residual<const C: usize> {
        conv: Sequential(
            Sequential(Conv2d(C -> 6 * C, 1, bias = false), BatchNorm2d(6 * C), ReLU6()),
            Sequential(
                Conv2d(6 * C -> 6 * C, 3, padding = 1, groups = 6 * C, bias = false),
                BatchNorm2d(6 * C),
                ReLU6(),
            ),
            Conv2d(6 * C -> C, 1, bias = false),
            BatchNorm2d(C),
        ),
    }
    fn forward(x: [B, C, H, W]) -> [B, C, H, W] { x + conv(x) }
}

network! {
    /// The whole network.
    pub struct MobileNetV2<const N: usize = 8, const CLASSES: usize = 1000> {
        features: Sequential(
            Sequential(Conv2d(3 -> 4 * N, 3, stride = 2, padding = 1, bias = false), BatchNorm2d(4 * N), ReLU6()),
            Separable<4 * N, 2 * N>,
            Inverted<2 * N, 3 * N, 2>,
            Residual<3 * N>,
            Inverted<3 * N, 4 * N, 2>,
            Residual<4 * N>,
            Residual<4 * N>,
            Inverted<4 * N, 8 * N, 2>,
            Residual<8 * N>,
            Residual<8 * N>,
            Residual<8 * N>,
            Inverted<8 * N, 12 * N>,
            Residual<12 * N>,
            Residual<12 * N>,
            Inverted<12 * N, 20 * N, 2>,
            Residual<20 * N>,
            Residual<20 * N>,
            Inverted<20 * N, 40 * N>,
            Sequential(Conv2d(40 * N -> 160 * N, 1, bias = false), BatchNorm2d(160 * N), ReLU6()),
        ),
        classifier: Sequential(Dropout(0.2), Linear(160 * N -> CLASSES)),
    }
    fn forward(x: [B, 3, H, W]) -> [B, CLASSES] {
        classifier(adaptive_avg_pool2d(features(x), 1).flatten(1))
    }
    fn loss(x: [B, 3, H, W], class: u32[B]) -> [] { cross_entropy(forward(x), class) }
}
