//! NAdam (Dozat): Adam with Nesterov's momentum.

use super::Optim;
use super::formula::{Chosen, StepFormula, Update};
use super::means::{check_betas, correction, means, scalars};
use super::rule::{Now, Rule, within};
use super::settings::settings;
use crate::{Device, OptimizerProblem, Real};

/// `torch.optim.NAdam`.
pub type NAdam = Optim<NAdamRule>;

/// The settings of [`NAdam`].
#[derive(Clone, Copy, Debug)]
pub struct NAdamRule {
    betas: (f64, f64),
    eps: f64,
    weight_decay: f64,
    momentum_decay: f64,
    decoupled_weight_decay: bool,
    maximize: bool,
}

impl NAdam {
    /// With PyTorch's defaults: betas (0.9, 0.999), eps 1e-8, momentum decay 0.004.
    pub fn new(lr: f64) -> Self {
        let rule = NAdamRule {
            betas: (0.9, 0.999),
            eps: 1e-8,
            weight_decay: 0.0,
            momentum_decay: 0.004,
            decoupled_weight_decay: false,
            maximize: false,
        };
        Self::from_rule(lr, rule)
    }
}

settings!(NAdamRule {
    /// The fractions of the two means that are kept in each step.
    betas: (f64, f64),
    /// Added to the denominator.
    eps: f64,
    /// An L2 penalty.
    weight_decay: f64,
    /// The rate at which the momentum warms up.
    momentum_decay: f64,
    /// Decoupled weight decay, as in AdamW.
    decoupled_weight_decay: bool,
    /// Steps go up the gradient instead of down.
    maximize: bool,
});

impl NAdamRule {
    /// The momentum of step `t`.
    fn mu(&self, t: u64) -> f64 {
        self.betas.0 * (1.0 - 0.5 * 0.96f64.powf(t as f64 * self.momentum_decay))
    }
}

impl Rule for NAdamRule {
    const NAME: &'static str = "NAdam";
    const MOMENTS: &'static [&'static str] = &["exp_avg", "exp_avg_sq"];
    const CARRIED: f64 = 1.0;

    fn maximize(&self) -> bool {
        self.maximize
    }
    fn check(&self) -> Result<(), OptimizerProblem> {
        within("momentum_decay", self.momentum_decay, 0.0..)?;
        check_betas(self.betas, self.eps, self.weight_decay)
    }
    /// The product of the momenta of all steps. PyTorch stores it in single precision for every type of parameters.
    fn carry(&self, carried: f64, t: u64) -> f64 {
        f64::from(carried as f32 * self.mu(t) as f32)
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
        let (decay, decoupled) = (self.weight_decay, self.decoupled_weight_decay);
        let [penalty, keep, take, b2, take2] = scalars(now, self.betas, decay, decoupled);
        let next = self.mu(now.t + 1);
        let by_gradient = now.lr * (1.0 - self.mu(now.t)) / (1.0 - now.carried);
        let by_mean = now.lr * next / (1.0 - now.carried * next);
        let scalars = [
            penalty,
            keep,
            take,
            b2,
            take2,
            correction(b2, now.t),
            self.eps,
            by_gradient,
            by_mean,
        ];
        update.with(Step, [0, 1], scalars)
    }
}

/// Scalars: penalty, keep, 1 - b1, b2, 1 - b2, 1 - b2^t, eps, the gradient's rate, the mean's.
struct Step;

impl StepFormula<2, 9> for Step {
    #[cfg_attr(not(debug_assertions), inline(always))]
    fn step<V: Real>(
        p: V,
        g: V,
        moments: [V; 2],
        [
            penalty,
            keep,
            take,
            b2,
            take2,
            unbias,
            eps,
            by_gradient,
            by_mean,
        ]: [V; 9],
    ) -> (V, [V; 2]) {
        let (p, g, [m, v]) = means(p, g, moments, [penalty, keep, take, b2, take2]);
        let denominator = (v / unbias).sqrt() + eps;
        let p = p - by_gradient * g / denominator;
        let p = p - by_mean * m / denominator;
        (p, [m, v])
    }
}
