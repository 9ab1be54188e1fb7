//! Repeated half cosines.

use std::f64::consts::PI;

use super::step::MOST;
use super::{At, Curve, Schedule};
use crate::OptimizerProblem;
use crate::optim::rule::within;
use crate::optim::{Optimizer, Rates};

/// From the base rate to `eta_min` along half a cosine, then from the base rate again (Loshchilov and Hutter, SGDR).
#[derive(Clone, Copy, Debug)]
pub struct CosineAnnealingWarmRestarts {
    t_0: u64,
    t_mult: u64,
    eta_min: f64,
    /// Steps since the last restart.
    t_cur: f64,
    /// Steps from the last restart to the next.
    t_i: f64,
}

impl CosineAnnealingWarmRestarts {
    /// The first restart is after `t_0` steps, at least 1; the others after the same number (`t_mult` 1). `eta_min` is
    /// 0.
    pub fn new(t_0: u64) -> Self {
        Self {
            t_0,
            t_mult: 1,
            eta_min: 0.0,
            t_cur: -1.0,
            t_i: t_0.max(1) as f64,
        }
    }
    /// The length of each half cosine relative to the one before, at least 1.
    #[must_use]
    pub fn t_mult(mut self, t_mult: u64) -> Self {
        self.t_mult = t_mult;
        self
    }
    /// Sets the lowest rate.
    #[must_use]
    pub fn eta_min(mut self, eta_min: f64) -> Self {
        self.eta_min = eta_min;
        self
    }

    fn rate(&self, base: f64, t_cur: f64, t_i: f64) -> f64 {
        self.eta_min + (base - self.eta_min) * (1.0 + (PI * t_cur / t_i).cos()) / 2.0
    }

    /// Steps since the last restart, and from it to the next, at a possibly fractional time.
    fn place(&self, epoch: f64) -> (f64, f64) {
        let (first, factor) = (self.t_0.max(1) as f64, self.t_mult.max(1) as f64);
        if epoch < first {
            return (epoch, first);
        }
        if factor == 1.0 {
            return (epoch % first, first);
        }
        let (mut begin, mut length) = (0.0, first);
        while epoch >= begin + length {
            (begin, length) = (begin + length, length * factor);
        }
        (epoch - begin, length)
    }
}

impl Schedule<CosineAnnealingWarmRestarts> {
    /// Jumps to a possibly fractional time, `epoch + batch / batches`: PyTorch's `step(epoch)`.
    pub fn step_at(&mut self, epoch: f64, optimizer: &mut impl Optimizer) {
        // NaN is not a time: jumps to 0.
        let epoch = if epoch > 0.0 { epoch } else { 0.0 };
        let epoch = epoch.min(MOST as f64);
        let curve = self.curve_mut();
        (curve.t_cur, curve.t_i) = curve.place(epoch);
        self.set_at(epoch as u64, optimizer);
    }
}

impl Curve for CosineAnnealingWarmRestarts {
    fn lr(&self, base: f64, t: u64) -> f64 {
        let (t_cur, t_i) = self.place(t as f64);
        self.rate(base, t_cur, t_i)
    }
    fn next(&self, at: &At) -> f64 {
        self.rate(at.base, self.t_cur, self.t_i)
    }
    fn jump(&self, at: &At) -> f64 {
        self.next(at)
    }
    fn begin(
        &mut self,
        _: &mut dyn Rates,
        last_epoch: Option<u64>,
    ) -> Result<(), OptimizerProblem> {
        if let Some(last) = last_epoch {
            self.t_cur = last as f64;
        }
        within("CosineAnnealingWarmRestarts' t_0", self.t_0 as f64, 1.0..)?;
        within(
            "CosineAnnealingWarmRestarts' t_mult",
            self.t_mult as f64,
            1.0..,
        )?;
        within("CosineAnnealingWarmRestarts' eta_min", self.eta_min, ..)
    }
    fn advance(&mut self, first: bool) {
        if first {
            (self.t_cur, self.t_i) = (0.0, self.t_0.max(1) as f64);
            return;
        }
        self.t_cur += 1.0;
        if self.t_cur >= self.t_i {
            self.t_cur %= self.t_i;
            self.t_i *= self.t_mult.max(1) as f64;
        }
    }
    fn put(&mut self, t: u64) {
        (self.t_cur, self.t_i) = self.place(t as f64);
    }
    fn save(&self) -> Vec<f64> {
        vec![self.t_cur, self.t_i]
    }
    fn load(&mut self, state: &mut &[f64]) -> bool {
        let [t_cur, t_i, rest @ ..] = *state else {
            return false;
        };
        (self.t_cur, self.t_i, *state) = (*t_cur, *t_i, rest);
        true
    }
}
