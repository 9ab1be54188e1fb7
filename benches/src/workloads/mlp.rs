//! `mlp`: 784-512-512-10 with ReLUs, batch 128, cross entropy, Adam 1e-3.

use crate::data::{ints, uniform};
use crate::place::Target;
use crate::run::{Report, Settings, run};
use netform::prelude::*;

network! {
    /// The network.
    struct Mlp {
        linear_1: Linear(784 -> 512),
        linear_2: Linear(512 -> 512),
        linear_3: Linear(512 -> 10),
    }
    fn forward(x: [B, 784]) -> [B, 10] {
        linear_3(relu(linear_2(relu(linear_1(x)))))
    }
    fn loss(x: [B, 784], y: u32[B]) -> [] {
        cross_entropy(forward(x), y)
    }
}

/// Times it.
pub fn time<D: Target>(device: D, s: Settings) -> netform::Result<Report> {
    let rows = s.rows(128);
    let (x, y) = (uniform::<784>(1, rows), ints(2, 10, rows));
    let mut net = Mlp::new(device.clone(), 0)?;
    if s.infer {
        let one = &x[..1];
        let loss = f64::from(net.loss(one, &y[..1])?.item()?);
        return run("mlp", &device, s, || net.forward(one), |_| Ok(loss));
    }
    let mut adam = Adam::new(1e-3);
    run(
        "mlp",
        &device,
        s,
        || net.loss_step(&mut adam, &x, &y),
        |l| Ok(f64::from(l.item()?)),
    )
}
