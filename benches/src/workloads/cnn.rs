//! `cnn`: two 3 x 3 convolutions (32, 64), a pool of 2, 9216-128-10, batch 64 of 28 x 28 images, cross entropy,
//! SGD 0.01 with momentum 0.9.

use crate::data::{ints, uniform};
use crate::place::Target;
use crate::run::{Report, Settings, run};
use netform::prelude::*;

network! {
    /// The network.
    struct Cnn {
        conv_1: Conv2d(1 -> 32, kernel_size = 3),
        conv_2: Conv2d(32 -> 64, kernel_size = 3),
        linear_1: Linear(9216 -> 128),
        linear_2: Linear(128 -> 10),
    }
    fn forward(x: [B, 784]) -> [B, 10] {
        let x = relu(conv_1(x.reshape([B, 1, 28, 28])));
        let x = relu(conv_2(x));
        let x = max_pool2d(x, 2).flatten(1);
        linear_2(relu(linear_1(x)))
    }
    fn loss(x: [B, 784], y: u32[B]) -> [] {
        cross_entropy(forward(x), y)
    }
}

/// Times it.
pub fn time<D: Target>(device: D, s: Settings) -> netform::Result<Report> {
    let rows = s.rows(64);
    let (x, y) = (uniform::<784>(1, rows), ints(2, 10, rows));
    let mut net = Cnn::new(device.clone(), 0)?;
    if s.infer {
        let one = &x[..1];
        let loss = f64::from(net.loss(one, &y[..1])?.item()?);
        return run("cnn", &device, s, || net.forward(one), |_| Ok(loss));
    }
    let mut sgd = Sgd::new(0.01).momentum(0.9);
    run(
        "cnn",
        &device,
        s,
        || net.loss_step(&mut sgd, &x, &y),
        |l| Ok(f64::from(l.item()?)),
    )
}
