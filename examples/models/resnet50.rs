//! ResNet-50 (He et al., 2015, "Deep Residual Learning for Image Recognition").
//!
//! The names and shapes of the state dict are those of `torchvision.models.resnet50`. An image goes in as
//! `[B, 3, H, W]`, 224 by 224 in the paper. The scores of the classes come out as `[B, CLASSES]`.
//!
//! The const parameters are the channels of the first stage and the number of classes. As in torchvision, the 3 by 3
//! convolution of a block has the stride, and not the first convolution as in the paper.

use netform::prelude::*;

network! {
    /// A bottleneck: C channels inside, 4 C outside. Its skip connection has a convolution where sizes change.
    pub struct Bottleneck<const I: usize, const C: usize, const S: usize = 1> {
        conv1: Conv2d(I -> C, 1, bias = false),
        bn1: BatchNorm2d(C),
        conv2: Conv2d(C -> C, 3, stride = S, padding = 1, bias = false),
        bn2: BatchNorm2d(C),
        conv3: Conv2d(C -> 4 * C, 1, bias = false),
        bn3: BatchNorm2d(4 * C),
        #[when(S != 1 || I != 4 * C)]
        downsample: Sequential(Conv2d(I -> 4 * C, 1, stride = S, bias = false), BatchNorm2d(4 * C)),
    }
    fn forward(x: [B, I, H, W]) -> [B, 4 * C, floor((H - 1) / S) + 1, floor((W - 1) / S) + 1] {
        let y = relu(bn1(conv1(x)));
        let y = relu(bn2(conv2(y)));
        let skip = if S != 1 || I != 4 * C { downsample(x) } else { x };
        relu(bn3(conv3(y)) + skip)
    }
}

network! {
    /// The whole network.
    pub struct ResNet50<const WIDTH: usize = 64, const CLASSES: usize = 1000> {
        conv1: Conv2d(3 -> WIDTH, 7, stride = 2, padding = 3, bias = false),
        bn1: BatchNorm2d(WIDTH),
        maxpool: MaxPool2d(3, stride = 2, padding = 1),
        layer1: Sequential(Bottleneck<WIDTH, WIDTH>, Bottleneck<4 * WIDTH, WIDTH>, Bottleneck<4 * WIDTH, WIDTH>),
        layer2: Sequential(
            Bottleneck<4 * WIDTH, 2 * WIDTH, 2>,
            Bottleneck<8 * WIDTH, 2 * WIDTH>,
            Bottleneck<8 * WIDTH, 2 * WIDTH>,
            Bottleneck<8 * WIDTH, 2 * WIDTH>,
        ),
        layer3: Sequential(
            Bottleneck<8 * WIDTH, 4 * WIDTH, 2>,
            Bottleneck<16 * WIDTH, 4 * WIDTH>,
            Bottleneck<16 * WIDTH, 4 * WIDTH>,
            Bottleneck<16 * WIDTH, 4 * WIDTH>,
            Bottleneck<16 * WIDTH, 4 * WIDTH>,
            Bottleneck<16 * WIDTH, 4 * WIDTH>,
        ),
        layer4: Sequential(Bottleneck<16 * WIDTH, 8 * WIDTH, 2>, Bottleneck<32 * WIDTH, 8 * WIDTH>, Bottleneck<32 * WIDTH, 8 * WIDTH>),
        avgpool: AdaptiveAvgPool2d(1),
        fc: Linear(32 * WIDTH -> CLASSES),
    }
    fn forward(x: [B, 3, H, W]) -> [B, CLASSES] {
        let x = maxpool(relu(bn1(conv1(x))));
        let x = layer4(layer3(layer2(layer1(x))));
        fc(avgpool(x).flatten(1))
    }
    fn loss(x: [B, 3, H, W], class: u32[B]) -> [] { cross_entropy(forward(x), class) }
}
