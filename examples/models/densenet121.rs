//! DenseNet-121 (Huang et al., 2016, "Densely Connected Convolutional Networks").
//!
//! The names and shapes of the state dict are those of `torchvision.models.densenet121`. An image goes in as
//! `[B, 3, H, W]`, 224 by 224 in the paper. The scores of the classes come out as `[B, CLASSES]`.
//!
//! The const parameters are the channels that each layer adds, and the number of classes. All channels are multiples
//! of the former.

use netform::prelude::*;

network! {
    /// Adds G channels to N G channels.
    pub struct DenseLayer<const N: usize, const G: usize> {
        norm1: BatchNorm2d(N * G),
        conv1: Conv2d(N * G -> 4 * G, 1, bias = false),
        norm2: BatchNorm2d(4 * G),
        conv2: Conv2d(4 * G -> G, 3, padding = 1, bias = false),
    }
    fn forward(x: [B, N * G, H, W]) -> [B, N * G + G, H, W] {
        let y = conv1(relu(norm1(x)));
        cat([x, conv2(relu(norm2(y)))], dim = 1)
    }
}

network! {
    /// Halves the channels and the image between two blocks.
    pub struct Transition<const N: usize, const G: usize> {
        norm: BatchNorm2d(2 * N * G),
        conv: Conv2d(2 * N * G -> N * G, 1, bias = false),
    }
    fn forward(x: [B, 2 * N * G, H, W]) -> [B, N * G, floor(H / 2), floor(W / 2)] {
        avg_pool2d(conv(relu(norm(x))), 2)
    }
}

network! {
    /// The whole network.
    pub struct DenseNet121<const G: usize = 32, const CLASSES: usize = 1000> {
        features: Sequential(
            conv0 = Conv2d(3 -> 2 * G, 7, stride = 2, padding = 3, bias = false),
            norm0 = BatchNorm2d(2 * G),
            relu0 = ReLU(),
            pool0 = MaxPool2d(3, stride = 2, padding = 1),
            denseblock1 = Sequential(
                denselayer1 = DenseLayer<2, G>, denselayer2 = DenseLayer<3, G>, denselayer3 = DenseLayer<4, G>,
                denselayer4 = DenseLayer<5, G>, denselayer5 = DenseLayer<6, G>, denselayer6 = DenseLayer<7, G>,
            ),
            transition1 = Transition<4, G>,
            denseblock2 = Sequential(
                denselayer1 = DenseLayer<4, G>, denselayer2 = DenseLayer<5, G>, denselayer3 = DenseLayer<6, G>,
                denselayer4 = DenseLayer<7, G>, denselayer5 = DenseLayer<8, G>, denselayer6 = DenseLayer<9, G>,
                denselayer7 = DenseLayer<10, G>, denselayer8 = DenseLayer<11, G>, denselayer9 = DenseLayer<12, G>,
                denselayer10 = DenseLayer<13, G>, denselayer11 = DenseLayer<14, G>, denselayer12 = DenseLayer<15, G>,
            ),
            transition2 = Transition<8, G>,
            denseblock3 = Sequential(
                denselayer1 = DenseLayer<8, G>, denselayer2 = DenseLayer<9, G>, denselayer3 = DenseLayer<10, G>,
                denselayer4 = DenseLayer<11, G>, denselayer5 = DenseLayer<12, G>, denselayer6 = DenseLayer<13, G>,
                denselayer7 = DenseLayer<14, G>, denselayer8 = DenseLayer<15, G>, denselayer9 = DenseLayer<16, G>,
                denselayer10 = DenseLayer<17, G>, denselayer11 = DenseLayer<18, G>, denselayer12 = DenseLayer<19, G>,
                denselayer13 = DenseLayer<20, G>, denselayer14 = DenseLayer<21, G>, denselayer15 = DenseLayer<22, G>,
                denselayer16 = DenseLayer<23, G>, denselayer17 = DenseLayer<24, G>, denselayer18 = DenseLayer<25, G>,
                denselayer19 = DenseLayer<26, G>, denselayer20 = DenseLayer<27, G>, denselayer21 = DenseLayer<28, G>,
                denselayer22 = DenseLayer<29, G>, denselayer23 = DenseLayer<30, G>, denselayer24 = DenseLayer<31, G>,
            ),
            transition3 = Transition<16, G>,
            denseblock4 = Sequential(
                denselayer1 = DenseLayer<16, G>, denselayer2 = DenseLayer<17, G>, denselayer3 = DenseLayer<18, G>,
                denselayer4 = DenseLayer<19, G>, denselayer5 = DenseLayer<20, G>, denselayer6 = DenseLayer<21, G>,
                denselayer7 = DenseLayer<22, G>, denselayer8 = DenseLayer<23, G>, denselayer9 = DenseLayer<24, G>,
                denselayer10 = DenseLayer<25, G>, denselayer11 = DenseLayer<26, G>, denselayer12 = DenseLayer<27, G>,
                denselayer13 = DenseLayer<28, G>, denselayer14 = DenseLayer<29, G>, denselayer15 = DenseLayer<30, G>,
                denselayer16 = DenseLayer<31, G>,
            ),
            norm5 = BatchNorm2d(32 * G),
        ),
        classifier: Linear(32 * G -> CLASSES),
    }
    fn forward(x: [B, 3, H, W]) -> [B, CLASSES] {
        classifier(adaptive_avg_pool2d(relu(features(x)), 1).flatten(1))
    }
    fn loss(x: [B, 3, H, W], class: u32[B]) -> [] { cross_entropy(forward(x), class) }
}
