//! `lstm` and `gru`: embedding 1000 to 64, one layer of 128, the last element's output to 2 classes;
//! batch 32, 64 elements, cross entropy, Adam 1e-3.

use crate::data::{ints, rows};
use crate::place::Target;
use crate::run::{Report, Settings, run};
use netform::prelude::*;

network! {
    /// The network.
    struct Lstm {
        emb: Embedding(1000 -> 64),
        rnn: LSTM(64 -> 128),
        out: Linear(128 -> 2),
    }
    fn forward(ids: u32[B, 64]) -> [B, 2] {
        let (y, _) = rnn(emb(ids));
        out(y.select(1, -1))
    }
    fn loss(ids: u32[B, 64], y: u32[B]) -> [] { cross_entropy(forward(ids), y) }
}

network! {
    /// The network.
    struct Gru {
        emb: Embedding(1000 -> 64),
        rnn: GRU(64 -> 128),
        out: Linear(128 -> 2),
    }
    fn forward(ids: u32[B, 64]) -> [B, 2] {
        let (y, _) = rnn(emb(ids));
        out(y.select(1, -1))
    }
    fn loss(ids: u32[B, 64], y: u32[B]) -> [] { cross_entropy(forward(ids), y) }
}

macro_rules! time {
    ($name:ident, $net:ident, $text:literal) => {
        /// Times it.
        pub fn $name<D: Target>(device: D, s: Settings) -> netform::Result<Report> {
            let batch = s.rows(32);
            let (x, y) = (rows::<64>(&ints(1, 1000, batch * 64)), ints(2, 2, batch));
            let mut net = $net::new(device.clone(), 0)?;
            if s.infer {
                let one = &x[..1];
                let loss = f64::from(net.loss(one, &y[..1])?.item()?);
                return run($text, &device, s, || net.forward(one), |_| Ok(loss));
            }
            let mut adam = Adam::new(1e-3);
            run(
                $text,
                &device,
                s,
                || net.loss_step(&mut adam, &x, &y),
                |l| Ok(f64::from(l.item()?)),
            )
        }
    };
}
time!(lstm, Lstm, "lstm");
time!(gru, Gru, "gru");
