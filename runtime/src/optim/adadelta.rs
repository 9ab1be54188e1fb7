//! Adadelta (Zeiler): the size of steps is that of earlier steps, relative to earlier gradients.

use super::Optim;
use super::formula::{Chosen, StepFormula, Update};
use super::rule::{Now, Rule, within};
use super::settings::settings;
use crate::{Device, OptimizerProblem, Real};

/// `torch.optim.Adadelta`.
pub type Adadelta = Optim<AdadeltaRule>;

/// The settings of [`Adadelta`].
#[derive(Clone, Copy, Debug)]
pub struct AdadeltaRule {
    rho: f64,
    eps: f64,
    weight_decay: f64,
    maximize: bool,
}

impl Adadelta {
    /// With PyTorch's defaults: rho 0.9, eps 1e-6. PyTorch's default rate is 1.
    pub fn new(lr: f64) -> Self {
        Self::from_rule(
            lr,
            AdadeltaRule {
                rho: 0.9,
                eps: 1e-6,
                weight_decay: 0.0,
                maximize: false,
            },
        )
    }
}

settings!(AdadeltaRule {
    /// The fraction of the mean squares that is kept in each step.
    rho: f64,
    /// Added under the roots.
    eps: f64,
    /// An L2 penalty.
    weight_decay: f64,
    /// Steps go up the gradient instead of down.
    maximize: bool,
});

impl Rule for AdadeltaRule {
    const NAME: &'static str = "Adadelta";
    const MOMENTS: &'static [&'static str] = &["square_avg", "acc_delta"];

    fn maximize(&self) -> bool {
        self.maximize
    }
    fn check(&self) -> Result<(), OptimizerProblem> {
        within("rho", self.rho, 0.0..=1.0)?;
        within("eps", self.eps, 0.0..)?;
        within("weight_decay", self.weight_decay, 0.0..)
    }
    fn update<D: Device>(
        &self,
        now: &Now,
        update: Update<'_, D>,
    ) -> Result<Chosen, OptimizerProblem> {
        let rho = self.rho;
        let scalars = [self.weight_decay, rho, 1.0 - rho, self.eps, now.lr];
        update.with(Step, [0, 1], scalars)
    }
}

struct Step;

impl StepFormula<2, 5> for Step {
    #[cfg_attr(not(debug_assertions), inline(always))]
    fn step<V: Real>(
        p: V,
        g: V,
        [v, acc]: [V; 2],
        [penalty, rho, take, eps, lr]: [V; 5],
    ) -> (V, [V; 2]) {
        let g = g + penalty * p;
        let v = v * rho + take * g * g;
        let delta = (acc + eps).sqrt() / (v + eps).sqrt() * g;
        let acc = acc * rho + take * delta * delta;
        (p - lr * delta, [v, acc])
    }
}
