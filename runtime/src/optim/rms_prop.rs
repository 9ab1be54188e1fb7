//! RMSprop (Hinton): steps divided by the root of the gradient's mean square.

use super::Optim;
use super::formula::{Chosen, StepFormula, Update};
use super::rule::{Now, Rule, within};
use super::settings::settings;
use crate::{Device, OptimizerProblem, Real};

/// `torch.optim.RMSprop`.
pub type RmsProp = Optim<RmsPropRule>;

/// The settings of [`RmsProp`].
#[derive(Clone, Copy, Debug)]
pub struct RmsPropRule {
    alpha: f64,
    eps: f64,
    weight_decay: f64,
    momentum: f64,
    centered: bool,
    maximize: bool,
}

impl RmsProp {
    /// With PyTorch's defaults: alpha 0.99, eps 1e-8, no momentum.
    pub fn new(lr: f64) -> Self {
        let rule = RmsPropRule {
            alpha: 0.99,
            eps: 1e-8,
            weight_decay: 0.0,
            momentum: 0.0,
            centered: false,
            maximize: false,
        };
        Self::from_rule(lr, rule)
    }
}

settings!(RmsPropRule {
    /// The fraction of the mean square that is kept in each step.
    alpha: f64,
    /// Added to the denominator.
    eps: f64,
    /// An L2 penalty.
    weight_decay: f64,
    /// The fraction of the last step that is kept.
    momentum: f64,
    /// Divides by the deviation from the mean gradient.
    centered: bool,
    /// Steps go up the gradient instead of down.
    maximize: bool,
});

impl Rule for RmsPropRule {
    const NAME: &'static str = "RMSprop";
    const MOMENTS: &'static [&'static str] = &["square_avg", "momentum_buffer", "grad_avg"];

    fn kept_by(k: usize) -> Option<&'static str> {
        (k == 2).then_some("centered")
    }
    fn uses(&self, k: usize) -> bool {
        match k {
            1 => self.momentum > 0.0,
            2 => self.centered,
            _ => true,
        }
    }
    fn maximize(&self) -> bool {
        self.maximize
    }
    fn check(&self) -> Result<(), OptimizerProblem> {
        within("alpha", self.alpha, 0.0..)?;
        within("eps", self.eps, 0.0..)?;
        within("momentum", self.momentum, 0.0..)?;
        within("weight_decay", self.weight_decay, 0.0..)
    }
    fn momentum(&self) -> Option<f64> {
        Some(self.momentum)
    }
    fn set_momentum(&mut self, momentum: f64) {
        self.momentum = momentum;
    }
    fn update<D: Device>(
        &self,
        now: &Now,
        update: Update<'_, D>,
    ) -> Result<Chosen, OptimizerProblem> {
        let (penalty, alpha) = (self.weight_decay, self.alpha);
        let scalars = [penalty, alpha, 1.0 - alpha, self.eps, now.lr, self.momentum];
        match (self.momentum > 0.0, self.centered) {
            (false, false) => update.with(Plain, [0], scalars),
            (true, false) => update.with(Momentum, [0, 1], scalars),
            (false, true) => update.with(Centered, [0, 2], scalars),
            (true, true) => update.with(Both, [0, 1, 2], scalars),
        }
    }
}

/// Scalars: penalty, alpha, 1 - alpha, eps, lr, momentum. Moments: the mean square, then the momentum and the mean, if
/// they are used.
#[cfg_attr(not(debug_assertions), inline(always))]
fn step<V: Real>(
    p: V,
    g: V,
    (v, last, mean): (V, Option<V>, Option<V>),
    [penalty, alpha, take, eps, lr, momentum]: [V; 6],
) -> (V, V, V, V) {
    let zero = V::splat(0.0);
    let g = g + penalty * p;
    let v = v * alpha + take * g * g;
    let (spread, mean) = match mean {
        Some(mean) => {
            let mean = mean + take * (g - mean);
            (v - mean * mean, mean)
        }
        None => (v, zero),
    };
    let mut step = g / (spread.sqrt() + eps);
    if let Some(last) = last {
        step = last * momentum + step;
    }
    (p - lr * step, v, step, mean)
}

struct Plain;

impl StepFormula<1, 6> for Plain {
    #[cfg_attr(not(debug_assertions), inline(always))]
    fn step<V: Real>(p: V, g: V, [v]: [V; 1], scalars: [V; 6]) -> (V, [V; 1]) {
        let (p, v, ..) = step(p, g, (v, None, None), scalars);
        (p, [v])
    }
}

struct Momentum;

impl StepFormula<2, 6> for Momentum {
    #[cfg_attr(not(debug_assertions), inline(always))]
    fn step<V: Real>(p: V, g: V, [v, last]: [V; 2], scalars: [V; 6]) -> (V, [V; 2]) {
        let (p, v, step, _) = step(p, g, (v, Some(last), None), scalars);
        (p, [v, step])
    }
}

struct Centered;

impl StepFormula<2, 6> for Centered {
    #[cfg_attr(not(debug_assertions), inline(always))]
    fn step<V: Real>(p: V, g: V, [v, mean]: [V; 2], scalars: [V; 6]) -> (V, [V; 2]) {
        let (p, v, _, mean) = step(p, g, (v, None, Some(mean)), scalars);
        (p, [v, mean])
    }
}

struct Both;

impl StepFormula<3, 6> for Both {
    #[cfg_attr(not(debug_assertions), inline(always))]
    fn step<V: Real>(p: V, g: V, [v, last, mean]: [V; 3], scalars: [V; 6]) -> (V, [V; 3]) {
        let (p, v, step, mean) = step(p, g, (v, Some(last), Some(mean)), scalars);
        (p, [v, step, mean])
    }
}
