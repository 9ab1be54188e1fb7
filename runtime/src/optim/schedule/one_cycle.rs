//! The one-cycle schedule, of the rate and of the momentum.

use std::f64::consts::PI;
use std::ops::Bound;

use super::groups::Cycled;
use super::{At, Curve, PerGroup};
use crate::OptimizerProblem;
use crate::optim::Rates;
use crate::optim::rule::within;

/// One cycle (Smith and Topin): up to `max_lr`, then down to almost 0, with the momentum in the opposite direction. It
/// ends after `total_steps` steps. As in PyTorch, one more step is an error, here of the optimizer's next step.
#[derive(Clone, Debug)]
pub struct OneCycleLR {
    max_lr: PerGroup,
    total_steps: u64,
    pct_start: f64,
    linear: bool,
    momentum: Cycled,
    div_factor: f64,
    final_div_factor: f64,
    three_phase: bool,
}

impl OneCycleLR {
    /// With PyTorch's defaults. The optimizer's own rate does not matter.
    pub fn new(max_lr: impl Into<PerGroup>, total_steps: u64) -> Self {
        Self {
            max_lr: max_lr.into(),
            total_steps,
            pct_start: 0.3,
            linear: false,
            momentum: Cycled::new(0.85, 0.95),
            div_factor: 25.0,
            final_div_factor: 1e4,
            three_phase: false,
        }
    }
    /// With the number of steps of these epochs.
    pub fn of_epochs(max_lr: impl Into<PerGroup>, epochs: u64, steps_per_epoch: u64) -> Self {
        Self::new(max_lr, epochs.saturating_mul(steps_per_epoch))
    }
    /// The fraction of the cycle in which the rate rises.
    #[must_use]
    pub fn pct_start(mut self, pct_start: f64) -> Self {
        self.pct_start = pct_start;
        self
    }
    /// Straight lines instead of cosines: PyTorch's `anneal_strategy="linear"`.
    #[must_use]
    pub fn linear(mut self) -> Self {
        self.linear = true;
        self
    }
    /// The lowest and highest momentum: PyTorch's `base_momentum` and `max_momentum`.
    #[must_use]
    pub fn momentum_range(mut self, base: impl Into<PerGroup>, max: impl Into<PerGroup>) -> Self {
        self.momentum = Cycled::new(base, max);
        self
    }
    /// Does not change the momentum: PyTorch's `cycle_momentum=False`. Needed for optimizers without momentum.
    #[must_use]
    pub fn fixed_momentum(mut self) -> Self {
        self.momentum = Cycled(None);
        self
    }
    /// The first rate is `max_lr` divided by this.
    #[must_use]
    pub fn div_factor(mut self, div_factor: f64) -> Self {
        self.div_factor = div_factor;
        self
    }
    /// The last rate is the first divided by this.
    #[must_use]
    pub fn final_div_factor(mut self, final_div_factor: f64) -> Self {
        self.final_div_factor = final_div_factor;
        self
    }
    /// Down to the first rate as slowly as up, and then to the last.
    #[must_use]
    pub fn three_phase(mut self) -> Self {
        self.three_phase = true;
        self
    }

    /// The value at `t` of a curve through the corners of the phases. PyTorch allows one step after the last, a little
    /// beyond the curve. For larger `t`, the value is that of the end.
    fn curve(&self, t: u64, corners: [f64; 4]) -> f64 {
        let total = self.total_steps as f64;
        let peak = self.pct_start * total - 1.0;
        let ends = if self.three_phase {
            [peak, 2.0 * peak, total - 1.0]
        } else {
            [peak, total - 1.0, total - 1.0]
        };
        let t = if t > self.total_steps {
            total - 1.0
        } else {
            t as f64
        };
        let (mut start, last) = (0.0, if self.three_phase { 2 } else { 1 });
        for (i, end) in ends.into_iter().enumerate().take(last + 1) {
            if t <= end || i == last {
                let pct = if end != start {
                    (t - start) / (end - start)
                } else {
                    1.0
                };
                let (from, to) = (corners[i], corners[i + 1]);
                return match self.linear {
                    true => (to - from) * pct + from,
                    false => to + (from - to) / 2.0 * (1.0 + (PI * pct).cos()),
                };
            }
            start = end;
        }
        corners[last + 1]
    }

    fn rate(&self, group: usize, t: u64) -> f64 {
        let max = self.max_lr.of(group);
        let first = max / self.div_factor;
        let last = first / self.final_div_factor;
        let middle = if self.three_phase { first } else { last };
        self.curve(t, [first, max, middle, last])
    }
    fn momentum_of(&self, group: usize, t: u64) -> Option<f64> {
        let (low, high) = self.momentum.of(group)?;
        Some(self.curve(t, [high, low, high, high]))
    }
}

impl Curve for OneCycleLR {
    fn lr(&self, _: f64, t: u64) -> f64 {
        self.rate(0, t)
    }
    fn momentum(&self, t: u64) -> Option<f64> {
        self.momentum_of(0, t)
    }
    fn next(&self, at: &At) -> f64 {
        self.rate(at.group, at.t)
    }
    fn jump(&self, at: &At) -> f64 {
        self.next(at)
    }
    fn next_momentum(&self, at: &At) -> Option<f64> {
        self.momentum_of(at.group, at.t)
    }
    fn begin(
        &mut self,
        rates: &mut dyn Rates,
        last_epoch: Option<u64>,
    ) -> Result<(), OptimizerProblem> {
        let groups = rates.groups();
        if last_epoch.is_none() {
            for g in 0..groups {
                rates.set_initial_lr(g, self.max_lr.of(g) / self.div_factor);
            }
        }
        let above = (Bound::Excluded(0.0), Bound::Unbounded);
        within("OneCycleLR's pct_start", self.pct_start, 0.0..=1.0)?;
        within("OneCycleLR's total_steps", self.total_steps as f64, 1.0..)?;
        within("OneCycleLR's div_factor", self.div_factor, above)?;
        within(
            "OneCycleLR's final_div_factor",
            self.final_div_factor,
            above,
        )?;
        self.max_lr.check("OneCycleLR's max_lr", groups)?;
        let settings = ["OneCycleLR's base_momentum", "OneCycleLR's max_momentum"];
        self.momentum.check(rates, "OneCycleLR", settings)
    }
    fn allows(&self, t: u64) -> Result<(), OptimizerProblem> {
        match t <= self.total_steps {
            true => Ok(()),
            false => Err(OptimizerProblem::Ended {
                schedule: "OneCycleLR",
                total_steps: self.total_steps,
                steps: t,
            }),
        }
    }
}
