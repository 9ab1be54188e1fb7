//! Rates that alternate between two bounds, with momenta in the opposite direction.

use std::sync::Arc;

use super::groups::Cycled;
use super::{At, Curve, PerGroup};
use crate::OptimizerProblem;
use crate::optim::Rates;
use crate::optim::rule::within;

/// How the height of [`CyclicLR`]'s cycles changes.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum CyclicMode {
    /// The height is constant.
    Triangular,
    /// The height is halved in each cycle.
    Triangular2,
    /// The height is multiplied by `gamma^t` at step t.
    ExpRange,
}

/// The argument of a custom height.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum ScaleMode {
    /// The number of the cycle, from 1.
    Cycle,
    /// The step, from 0.
    Iterations,
}

/// A custom height.
type Scale = Arc<dyn Fn(f64) -> f64 + Send + Sync>;

/// Between two rates, up and down in straight lines (Smith, 2015), with the momentum in the opposite direction.
#[derive(Clone)]
pub struct CyclicLR {
    base_lr: PerGroup,
    max_lr: PerGroup,
    up: u64,
    down: Option<u64>,
    mode: CyclicMode,
    gamma: f64,
    scale: Option<(Scale, ScaleMode)>,
    momentum: Cycled,
}

impl CyclicLR {
    /// With PyTorch's defaults: 2000 steps up and 2000 down, momentum from 0.9 to 0.8 and back. The optimizer's own
    /// rate does not matter.
    pub fn new(base_lr: impl Into<PerGroup>, max_lr: impl Into<PerGroup>) -> Self {
        Self {
            base_lr: base_lr.into(),
            max_lr: max_lr.into(),
            up: 2000,
            down: None,
            mode: CyclicMode::Triangular,
            gamma: 1.0,
            scale: None,
            momentum: Cycled::new(0.8, 0.9),
        }
    }
    /// The number of steps up, at least 1.
    #[must_use]
    pub fn step_size_up(mut self, steps: u64) -> Self {
        self.up = steps;
        self
    }
    /// The number of steps down; by default the number of steps up.
    #[must_use]
    pub fn step_size_down(mut self, steps: u64) -> Self {
        self.down = Some(steps);
        self
    }
    /// The change of the height from cycle to cycle.
    #[must_use]
    pub fn mode(mut self, mode: CyclicMode) -> Self {
        self.mode = mode;
        self
    }
    /// The factor of [`CyclicMode::ExpRange`].
    #[must_use]
    pub fn gamma(mut self, gamma: f64) -> Self {
        self.gamma = gamma;
        self
    }
    /// A custom height, from 0 to 1, instead of a mode.
    #[must_use]
    pub fn scale_fn(
        mut self,
        scale: impl Fn(f64) -> f64 + Send + Sync + 'static,
        of: ScaleMode,
    ) -> Self {
        self.scale = Some((Arc::new(scale), of));
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

    /// The distance of step `t` from the base rate, relative to the maximum.
    fn height(&self, t: u64) -> f64 {
        let (up, down) = (self.up.max(1) as f64, self.down.unwrap_or(self.up) as f64);
        let (total, ratio) = (up + down, up / (up + down));
        let t = t as f64;
        let cycle = (1.0 + t / total).floor();
        let x = 1.0 + t / total - cycle;
        let part = match x <= ratio {
            true => x / ratio,
            false => (x - 1.0) / (ratio - 1.0),
        };
        let scale = match (&self.scale, self.mode) {
            (Some((f, ScaleMode::Cycle)), _) => f(cycle),
            (Some((f, ScaleMode::Iterations)), _) => f(t),
            (None, CyclicMode::Triangular) => 1.0,
            (None, CyclicMode::Triangular2) => 1.0 / 2f64.powf(cycle - 1.0),
            (None, CyclicMode::ExpRange) => self.gamma.powf(t),
        };
        part * scale
    }
    fn momentum_of(&self, group: usize, t: u64) -> Option<f64> {
        let (base, max) = self.momentum.of(group)?;
        Some(max - (max - base) * self.height(t))
    }
}

impl Curve for CyclicLR {
    fn lr(&self, base: f64, t: u64) -> f64 {
        base + (self.max_lr.of(0) - base) * self.height(t)
    }
    fn momentum(&self, t: u64) -> Option<f64> {
        self.momentum_of(0, t)
    }
    fn next(&self, at: &At) -> f64 {
        at.base + (self.max_lr.of(at.group) - at.base) * self.height(at.t)
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
            (0..groups).for_each(|g| rates.set_group_lr(g, self.base_lr.of(g)));
        }
        self.base_lr.check("CyclicLR's base_lr", groups)?;
        self.max_lr.check("CyclicLR's max_lr", groups)?;
        within("CyclicLR's step_size_up", self.up as f64, 1.0..)?;
        within("CyclicLR's gamma", self.gamma, ..)?;
        let settings = ["CyclicLR's base_momentum", "CyclicLR's max_momentum"];
        self.momentum.check(rates, "CyclicLR", settings)
    }
    fn base(&self, group: usize) -> Option<f64> {
        Some(self.base_lr.of(group))
    }
}

impl std::fmt::Debug for CyclicLR {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("CyclicLR")
            .field("base_lr", &self.base_lr)
            .field("max_lr", &self.max_lr)
            .field("step_size", &(self.up, self.down.unwrap_or(self.up)))
            .field("mode", &self.mode)
            .field("gamma", &self.gamma)
            .field("scale", &self.scale.as_ref().map(|s| s.1))
            .field("momentum", &self.momentum)
            .finish()
    }
}
