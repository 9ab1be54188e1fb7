//! Adagrad (Duchi et al.): steps divided by the root of the sum of all squared gradients.

use super::Optim;
use super::formula::{Chosen, StepFormula, Update};
use super::rule::{Now, Rule, within};
use super::settings::settings;
use crate::{Device, OptimizerProblem, Real};

/// `torch.optim.Adagrad`.
pub type Adagrad = Optim<AdagradRule>;

/// The settings of [`Adagrad`].
#[derive(Clone, Copy, Debug)]
pub struct AdagradRule {
    lr_decay: f64,
    eps: f64,
    weight_decay: f64,
    initial_accumulator_value: f64,
    maximize: bool,
}

impl Adagrad {
    /// With PyTorch's defaults: eps 1e-10.
    pub fn new(lr: f64) -> Self {
        let rule = AdagradRule {
            lr_decay: 0.0,
            eps: 1e-10,
            weight_decay: 0.0,
            initial_accumulator_value: 0.0,
            maximize: false,
        };
        Self::from_rule(lr, rule)
    }
}

settings!(AdagradRule {
    /// The decay of the learning rate.
    lr_decay: f64,
    /// Added to the denominator.
    eps: f64,
    /// An L2 penalty.
    weight_decay: f64,
    /// The initial value of the sums; the optimizer's setting is used for all groups.
    initial_accumulator_value: f64,
    /// Steps go up the gradient instead of down.
    maximize: bool,
});

impl Rule for AdagradRule {
    const NAME: &'static str = "Adagrad";
    const MOMENTS: &'static [&'static str] = &["sum"];

    fn initial(&self) -> f64 {
        self.initial_accumulator_value
    }
    fn maximize(&self) -> bool {
        self.maximize
    }
    fn check(&self) -> Result<(), OptimizerProblem> {
        within("lr_decay", self.lr_decay, 0.0..)?;
        within("eps", self.eps, 0.0..)?;
        within(
            "initial_accumulator_value",
            self.initial_accumulator_value,
            0.0..,
        )?;
        within("weight_decay", self.weight_decay, 0.0..)
    }
    fn update<D: Device>(
        &self,
        now: &Now,
        update: Update<'_, D>,
    ) -> Result<Chosen, OptimizerProblem> {
        let lr = now.lr / (1.0 + (now.t - 1) as f64 * self.lr_decay);
        update.with(Step, [0], [self.weight_decay, self.eps, lr])
    }
}

struct Step;

impl StepFormula<1, 3> for Step {
    #[cfg_attr(not(debug_assertions), inline(always))]
    fn step<V: Real>(p: V, g: V, [sum]: [V; 1], [penalty, eps, lr]: [V; 3]) -> (V, [V; 1]) {
        let g = g + penalty * p;
        let sum = sum + g * g;
        (p - lr * g / (sum.sqrt() + eps), [sum])
    }
}
