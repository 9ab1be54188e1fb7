//! Adamax (Kingma and Ba): Adam with the largest gradient instead of the mean square.

use super::Optim;
use super::formula::{Chosen, StepFormula, Update};
use super::means::{check_betas, correction};
use super::rule::{Now, Rule};
use super::settings::settings;
use crate::{Device, OptimizerProblem, Real};

/// `torch.optim.Adamax`.
pub type Adamax = Optim<AdamaxRule>;

/// The settings of [`Adamax`].
#[derive(Clone, Copy, Debug)]
pub struct AdamaxRule {
    betas: (f64, f64),
    eps: f64,
    weight_decay: f64,
    maximize: bool,
}

impl Adamax {
    /// With PyTorch's defaults: betas (0.9, 0.999), eps 1e-8.
    pub fn new(lr: f64) -> Self {
        Self::from_rule(
            lr,
            AdamaxRule {
                betas: (0.9, 0.999),
                eps: 1e-8,
                weight_decay: 0.0,
                maximize: false,
            },
        )
    }
}

settings!(AdamaxRule {
    /// The fractions of the mean and of the largest gradient that are kept in each step.
    betas: (f64, f64),
    /// Added to each absolute gradient.
    eps: f64,
    /// An L2 penalty.
    weight_decay: f64,
    /// Steps go up the gradient instead of down.
    maximize: bool,
});

impl Rule for AdamaxRule {
    const NAME: &'static str = "Adamax";
    const MOMENTS: &'static [&'static str] = &["exp_avg", "exp_inf"];

    fn maximize(&self) -> bool {
        self.maximize
    }
    fn check(&self) -> Result<(), OptimizerProblem> {
        check_betas(self.betas, self.eps, self.weight_decay)
    }
    fn momentum(&self) -> Option<f64> {
        Some(self.betas.0)
    }
    fn set_momentum(&mut self, momentum: f64) {
        self.betas.0 = momentum;
    }
    fn update<D: Device>(
        &self,
        now: &Now,
        update: Update<'_, D>,
    ) -> Result<Chosen, OptimizerProblem> {
        let (b1, b2) = self.betas;
        let rate = now.lr / correction(b1, now.t);
        let scalars = [self.weight_decay, 1.0 - b1, b2, self.eps, rate];
        update.with(Step, [0, 1], scalars)
    }
}

/// `take`: 1 - b1; `rate`: lr / (1 - b1^t).
struct Step;

impl StepFormula<2, 5> for Step {
    #[cfg_attr(not(debug_assertions), inline(always))]
    fn step<V: Real>(
        p: V,
        g: V,
        [m, u]: [V; 2],
        [penalty, take, b2, eps, rate]: [V; 5],
    ) -> (V, [V; 2]) {
        let g = g + penalty * p;
        let m = m + take * (g - m);
        let u = (u * b2).max(g.abs() + eps);
        (p - rate * m / u, [m, u])
    }
}
