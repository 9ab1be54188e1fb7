//! The schedule of stochastic weight averaging.

use std::f64::consts::PI;

use super::{At, Curve, PerGroup};
use crate::OptimizerProblem;
use crate::optim::Rates;

/// From the current rate to `swa_lr` over some steps, where it stays: `torch.optim.swa_utils.SWALR`.
#[derive(Clone, Debug)]
pub struct SWALR {
    swa_lr: PerGroup,
    anneal_epochs: u64,
    linear: bool,
}

impl SWALR {
    /// With PyTorch's defaults: along half a cosine of 10 steps.
    pub fn new(swa_lr: impl Into<PerGroup>) -> Self {
        Self {
            swa_lr: swa_lr.into(),
            anneal_epochs: 10,
            linear: false,
        }
    }
    /// Sets the number of steps.
    #[must_use]
    pub fn anneal_epochs(mut self, anneal_epochs: u64) -> Self {
        self.anneal_epochs = anneal_epochs;
        self
    }
    /// A straight line instead of a cosine.
    #[must_use]
    pub fn linear(mut self) -> Self {
        self.linear = true;
        self
    }
    /// The progress at step `t`, from 0 to 1.
    fn alpha(&self, t: f64) -> f64 {
        let t = (t / self.anneal_epochs.max(1) as f64).clamp(0.0, 1.0);
        if self.linear {
            t
        } else {
            (1.0 - (PI * t).cos()) / 2.0
        }
    }
}

impl Curve for SWALR {
    fn lr(&self, base: f64, t: u64) -> f64 {
        let least = u64::from(self.anneal_epochs == 0);
        let alpha = self.alpha(t.max(least) as f64);
        self.swa_lr.of(0) * alpha + base * (1.0 - alpha)
    }
    fn next(&self, at: &At) -> f64 {
        let least = u64::from(self.anneal_epochs == 0);
        let step = at.calls.saturating_sub(1).max(least) as f64;
        let (swa, before) = (self.swa_lr.of(at.group), self.alpha(step - 1.0));
        // The rate before annealing, computed back from the current rate.
        let from = match before == 1.0 {
            true => swa,
            false => (at.lr - before * swa) / (1.0 - before),
        };
        let alpha = self.alpha(step);
        swa * alpha + from * (1.0 - alpha)
    }
    fn jump(&self, at: &At) -> f64 {
        self.next(at)
    }
    fn begin(&mut self, rates: &mut dyn Rates, _: Option<u64>) -> Result<(), OptimizerProblem> {
        self.swa_lr.check("SWALR's swa_lr", rates.groups())
    }
}
