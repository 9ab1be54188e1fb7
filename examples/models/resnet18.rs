//! ResNet-18 (He et al., 2015, "Deep Residual Learning for Image Recognition").
//!
//! The names and shapes of the state dict are those of `torchvision.models.resnet18`. An image goes in as
//! `[B, 3, H, W]`, 224 by 224 in the paper. The scores of the classes come out as `[B, CLASSES]`.
//!
//! The const parameters are the channels of the first stage and the number of classes.

use netform::prelude::*;

network! {
    /// Two convolutions and a skip connection, which has a convolution where sizes change.
    pub struct BasicBlock<const I: usize, const O: usize, const S: usize = 1> {
        conv1: Conv2d(I -> O, 3, stride = S, padding = 1, bias = false),
        bn1: BatchNorm2d(O),
        conv2: Conv2d(O -> O, 3, padding = 1, bias = false),
        bn2: BatchNorm2d(O),
        #[when(S != 1 || I != O)]
        downsample: Sequential(Conv2d(I -> O, 1, stride = S, bias = false), BatchNorm2d(O)),
    }
    fn forward(x: [B, I, H, W]) -> [B, O, floor((H - 1) / S) + 1, floor((W - 1) / S) + 1] {
        let y = relu(bn1(conv1(x)));
        let skip = if S != 1 || I != O { downsample(x) } else { x };
        relu(bn2(conv2(y)) + skip)
    }
}

network! {
    /// The whole network.
    pub struct ResNet18<const WIDTH: usize = 64, const CLASSES: usize = 1000> {
        conv1: Conv2d(3 -> WIDTH, 7, stride = 2, padding = 3, bias = false),
        bn1: BatchNorm2d(WIDTH),
        maxpool: MaxPool2d(3, stride = 2, padding = 1),
        layer1: [BasicBlock<WIDTH, WIDTH>; 2],
        layer2: Sequential(BasicBlock<WIDTH, 2 * WIDTH, 2>, BasicBlock<2 * WIDTH, 2 * WIDTH>),
        layer3: Sequential(BasicBlock<2 * WIDTH, 4 * WIDTH, 2>, BasicBlock<4 * WIDTH, 4 * WIDTH>),
        layer4: Sequential(BasicBlock<4 * WIDTH, 8 * WIDTH, 2>, BasicBlock<8 * WIDTH, 8 * WIDTH>),
        avgpool: AdaptiveAvgPool2d(1),
        fc: Linear(8 * WIDTH -> CLASSES),
    }
    fn forward(x: [B, 3, H, W]) -> [B, CLASSES] {
        let mut x = maxpool(relu(bn1(conv1(x))));
        for block in layer1 { x = block(x); }
        let x = layer4(layer3(layer2(x)));
        fc(avgpool(x).flatten(1))
    }
    fn loss(x: [B, 3, H, W], class: u32[B]) -> [] { cross_entropy(forward(x), class) }
}
