//! RAdam (Liu et al.): Adam that does not use its mean square until it is reliable.

use super::Optim;
use super::formula::{Chosen, StepFormula, Update};
use super::means::{check_betas, correction, means, scalars};
use super::rule::{Now, Rule};
use super::settings::settings;
use crate::{Device, OptimizerProblem, Real};

/// `torch.optim.RAdam`.
pub type RAdam = Optim<RAdamRule>;

/// The settings of [`RAdam`].
#[derive(Clone, Copy, Debug)]
pub struct RAdamRule {
    betas: (f64, f64),
    eps: f64,
    weight_decay: f64,
    decoupled_weight_decay: bool,
    maximize: bool,
}

impl RAdam {
    /// With PyTorch's defaults: betas (0.9, 0.999), eps 1e-8.
    pub fn new(lr: f64) -> Self {
        let rule = RAdamRule {
            betas: (0.9, 0.999),
            eps: 1e-8,
            weight_decay: 0.0,
            decoupled_weight_decay: false,
            maximize: false,
        };
        Self::from_rule(lr, rule)
    }
}

settings!(RAdamRule {
    /// The fractions of the two means that are kept in each step.
    betas: (f64, f64),
    /// Added to the denominator.
    eps: f64,
    /// An L2 penalty.
    weight_decay: f64,
    /// Decoupled weight decay, as in AdamW.
    decoupled_weight_decay: bool,
    /// Steps go up the gradient instead of down.
    maximize: bool,
});

impl Rule for RAdamRule {
    const NAME: &'static str = "RAdam";
    const MOMENTS: &'static [&'static str] = &["exp_avg", "exp_avg_sq"];

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
        let (decay, decoupled) = (self.weight_decay, self.decoupled_weight_decay);
        let [penalty, keep, take, b2, take2] = scalars(now, (b1, b2), decay, decoupled);
        let unbias = correction(b2, now.t);
        let limit = 2.0 / (1.0 - b2) - 1.0;
        let rho = limit - 2.0 * now.t as f64 * (1.0 - unbias) / unbias;
        let rate = now.lr / correction(b1, now.t);
        let scalars = |rate| [penalty, keep, take, b2, take2, self.eps, rate];
        if rho > 5.0 {
            let rect = (rho - 4.0) * (rho - 2.0) * limit / ((limit - 4.0) * (limit - 2.0) * rho);
            let rate = rate * rect.sqrt() * unbias.sqrt();
            update.with(Step::<true>, [0, 1], scalars(rate))
        } else {
            update.with(Step::<false>, [0, 1], scalars(rate))
        }
    }
}

/// Scalars: penalty, keep, 1 - b1, b2, 1 - b2, eps, rate.
struct Step<const RECTIFIED: bool>;

impl<const RECTIFIED: bool> StepFormula<2, 7> for Step<RECTIFIED> {
    #[cfg_attr(not(debug_assertions), inline(always))]
    fn step<V: Real>(
        p: V,
        g: V,
        moments: [V; 2],
        [penalty, keep, take, b2, take2, eps, rate]: [V; 7],
    ) -> (V, [V; 2]) {
        let (p, _, [m, v]) = means(p, g, moments, [penalty, keep, take, b2, take2]);
        let step = rate * m;
        let step = if RECTIFIED {
            step / (v.sqrt() + eps)
        } else {
            step
        };
        (p - step, [m, v])
    }
}
