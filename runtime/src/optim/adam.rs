//! Adam (Kingma and Ba) and AdamW (Loshchilov and Hutter): steps scaled by running means of the
//! gradient and its square.

use super::Optim;
use super::formula::{Chosen, StepFormula, Update};
use super::means::{check_betas, correction, means, scalars};
use super::rule::{Now, Rule};
use super::settings::settings;
use crate::{Device, OptimizerProblem, Real};

/// `torch.optim.Adam`.
pub type Adam = Optim<AdamRule<false>>;
/// `torch.optim.AdamW`: with decoupled weight decay.
pub type AdamW = Optim<AdamRule<true>>;

/// The settings of [`Adam`] and, `DECOUPLED`, [`AdamW`].
#[derive(Clone, Copy, Debug)]
pub struct AdamRule<const DECOUPLED: bool> {
    betas: (f64, f64),
    eps: f64,
    weight_decay: f64,
    amsgrad: bool,
    maximize: bool,
    decoupled_weight_decay: bool,
}

impl<const DECOUPLED: bool> Optim<AdamRule<DECOUPLED>> {
    /// With PyTorch's defaults: betas (0.9, 0.999), eps 1e-8, weight decay 0 (AdamW: 0.01).
    pub fn new(lr: f64) -> Self {
        let weight_decay = if DECOUPLED { 0.01 } else { 0.0 };
        Self::from_rule(
            lr,
            AdamRule {
                betas: (0.9, 0.999),
                eps: 1e-8,
                weight_decay,
                amsgrad: false,
                maximize: false,
                decoupled_weight_decay: DECOUPLED,
            },
        )
    }
}

type Coupled = AdamRule<false>;
type Decoupled = AdamRule<true>;

settings!(Coupled {
    /// The fractions of the two means that are kept in each step.
    betas: (f64, f64),
    /// Added to the denominator.
    eps: f64,
    /// An L2 penalty.
    weight_decay: f64,
    /// Divides by the largest mean square so far.
    amsgrad: bool,
    /// Steps go up the gradient instead of down.
    maximize: bool,
    /// Decoupled weight decay, as in [`AdamW`].
    decoupled_weight_decay: bool,
});
settings!(Decoupled {
    /// The fractions of the two means that are kept in each step.
    betas: (f64, f64),
    /// Added to the denominator.
    eps: f64,
    /// The rate of weight decay, relative to the learning rate.
    weight_decay: f64,
    /// Divides by the largest mean square so far.
    amsgrad: bool,
    /// Steps go up the gradient instead of down.
    maximize: bool,
});

impl<const DECOUPLED: bool> Rule for AdamRule<DECOUPLED> {
    const NAME: &'static str = if DECOUPLED { "AdamW" } else { "Adam" };
    const MOMENTS: &'static [&'static str] = &["exp_avg", "exp_avg_sq", "max_exp_avg_sq"];

    fn kept_by(k: usize) -> Option<&'static str> {
        (k == 2).then_some("amsgrad")
    }
    fn uses(&self, k: usize) -> bool {
        k < 2 || self.amsgrad
    }
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
        let rate = now.lr / correction(b1, now.t);
        let root = correction(b2, now.t).sqrt();
        let scalars = [penalty, keep, take, b2, take2, root, self.eps, rate];
        match self.amsgrad {
            false => update.with(Plain, [0, 1], scalars),
            true => update.with(Amsgrad, [0, 1, 2], scalars),
        }
    }
}

/// The means, and the next value by the square that `largest` chooses, which is the last result.
///
/// Scalars: penalty, keep, 1 - b1, b2, 1 - b2, sqrt(1 - b2^t), eps, lr / (1 - b1^t).
#[cfg_attr(not(debug_assertions), inline(always))]
fn step<V: Real>(
    p: V,
    g: V,
    moments: [V; 2],
    [penalty, keep, take, b2, take2, root, eps, rate]: [V; 8],
    largest: impl FnOnce(V) -> V,
) -> (V, [V; 3]) {
    let (p, _, [m, v]) = means(p, g, moments, [penalty, keep, take, b2, take2]);
    let largest = largest(v);
    let denominator = largest.sqrt() / root + eps;
    (p - rate * m / denominator, [m, v, largest])
}

struct Plain;

impl StepFormula<2, 8> for Plain {
    #[cfg_attr(not(debug_assertions), inline(always))]
    fn step<V: Real>(p: V, g: V, moments: [V; 2], scalars: [V; 8]) -> (V, [V; 2]) {
        let (p, [m, v, _]) = step(p, g, moments, scalars, |v| v);
        (p, [m, v])
    }
}

struct Amsgrad;

impl StepFormula<3, 8> for Amsgrad {
    #[cfg_attr(not(debug_assertions), inline(always))]
    fn step<V: Real>(p: V, g: V, [m, v, largest]: [V; 3], scalars: [V; 8]) -> (V, [V; 3]) {
        step(p, g, [m, v], scalars, |v| largest.max(v))
    }
}
