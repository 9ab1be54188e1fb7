//! VGG-16 (Simonyan and Zisserman, 2014, "Very Deep Convolutional Networks for Large-Scale Image Recognition").
//!
//! The names and shapes of the state dict are those of `torchvision.models.vgg16`. An image goes in as `[B, 3, H, W]`,
//! 224 by 224 in the paper. The scores of the classes come out as `[B, CLASSES]`.
//!
//! The const parameters are the channels of the first stage, the width of the two hidden linear layers, and the number
//! of classes.

use netform::prelude::*;

network! {
    /// The whole network.
    pub struct Vgg16<const WIDTH: usize = 64, const HIDDEN: usize = 4096, const CLASSES: usize = 1000> {
        features: Sequential(
            Conv2d(3 -> WIDTH, 3, padding = 1),
            ReLU(),
            Conv2d(WIDTH -> WIDTH, 3, padding = 1),
            ReLU(),
            MaxPool2d(2),
            Conv2d(WIDTH -> 2 * WIDTH, 3, padding = 1),
            ReLU(),
            Conv2d(2 * WIDTH -> 2 * WIDTH, 3, padding = 1),
            ReLU(),
            MaxPool2d(2),
            Conv2d(2 * WIDTH -> 4 * WIDTH, 3, padding = 1),
            ReLU(),
            Conv2d(4 * WIDTH -> 4 * WIDTH, 3, padding = 1),
            ReLU(),
            Conv2d(4 * WIDTH -> 4 * WIDTH, 3, padding = 1),
            ReLU(),
            MaxPool2d(2),
            Conv2d(4 * WIDTH -> 8 * WIDTH, 3, padding = 1),
            ReLU(),
            Conv2d(8 * WIDTH -> 8 * WIDTH, 3, padding = 1),
            ReLU(),
            Conv2d(8 * WIDTH -> 8 * WIDTH, 3, padding = 1),
            ReLU(),
            MaxPool2d(2),
            Conv2d(8 * WIDTH -> 8 * WIDTH, 3, padding = 1),
            ReLU(),
            Conv2d(8 * WIDTH -> 8 * WIDTH, 3, padding = 1),
            ReLU(),
            Conv2d(8 * WIDTH -> 8 * WIDTH, 3, padding = 1),
            ReLU(),
            MaxPool2d(2),
        ),
        avgpool: AdaptiveAvgPool2d(7),
        classifier: Sequential(
            Linear(8 * WIDTH * 7 * 7 -> HIDDEN),
            ReLU(),
            Dropout(),
            Linear(HIDDEN -> HIDDEN),
            ReLU(),
            Dropout(),
            Linear(HIDDEN -> CLASSES),
        ),
    }
    fn forward(x: [B, 3, H, W]) -> [B, CLASSES] { classifier(avgpool(features(x)).flatten(1)) }
    fn loss(x: [B, 3, H, W], class: u32[B]) -> [] { cross_entropy(forward(x), class) }
}
