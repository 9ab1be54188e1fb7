//! `tiny`: 8-10-7-3 with sigmoids, batch 10, mean squared error, SGD 0.01.

use crate::data::uniform;
use crate::place::Target;
use crate::run::{Report, Settings, run};
use netform::prelude::*;

network! {
    /// The network.
    struct Tiny {
        linear_1: Linear(8 -> 10),
        linear_2: Linear(10 -> 7),
        linear_3: Linear(7 -> 3),
    }
    fn forward(x: [B, 8]) -> [B, 3] {
        linear_3(sigmoid(linear_2(sigmoid(linear_1(x)))))
    }
    fn loss(x: [B, 8], y: [B, 3]) -> [] {
        mse_loss(forward(x), y)
    }
}

/// Times it.
pub fn time<D: Target>(device: D, s: Settings) -> netform::Result<Report> {
    let rows = s.rows(10);
    let (x, y) = (uniform::<8>(1, rows), uniform::<3>(2, rows));
    let mut net = Tiny::new(device.clone(), 0)?;
    if s.infer {
        let one = &x[..1];
        let loss = f64::from(net.loss(one, &y[..1])?.item()?);
        return run("tiny", &device, s, || net.forward(one), |_| Ok(loss));
    }
    let mut sgd = Sgd::new(0.01);
    run(
        "tiny",
        &device,
        s,
        || net.loss_step(&mut sgd, &x, &y),
        |l| Ok(f64::from(l.item()?)),
    )
}
