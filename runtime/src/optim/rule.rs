//! The differences between optimizers: their settings, and an elementwise formula over (parameter, gradient, moments).
//! Takes a step's rate and count, and gives the formula with its scalars.

use std::ops::RangeBounds;

use super::formula::{Chosen, Update};
use crate::{Device, OptimizerProblem};

/// An optimizer's formula and settings, from which [`Optim`](super::Optim) makes an optimizer.
///
/// A rule computes the change of one element of a parameter. Everything else is part of [`Optim`](super::Optim) and is
/// the same for every rule: the rate and its schedules, parameter groups, clipping, the memory of moments, checkpoints,
/// the device. The nine optimizers of this module are rules, and you can write others:
///
/// ```
/// use netform_runtime::optim::{Chosen, Now, Optim, Real, Rule, StepFormula, Update};
/// use netform_runtime::{Device, OptimizerProblem};
///
/// /// Lion (Chen et al.): the sign of a mean of gradients.
/// #[derive(Clone, Copy, Debug)]
/// struct LionRule {
///     betas: (f64, f64),
///     weight_decay: f64,
/// }
///
/// impl Rule for LionRule {
///     const NAME: &'static str = "Lion";
///     // Checkpoints name them so.
///     const MOMENTS: &'static [&'static str] = &["exp_avg"];
///
///     fn check(&self) -> Result<(), OptimizerProblem> {
///         match (0.0..1.0).contains(&self.betas.0) && (0.0..1.0).contains(&self.betas.1) {
///             true => Ok(()),
///             false => Err(format!("betas are at least 0 and below 1, but they are {:?}", self.betas).into()),
///         }
///     }
///     fn update<D: Device>(&self, now: &Now, update: Update<'_, D>) -> Result<Chosen, OptimizerProblem> {
///         let (b1, b2) = self.betas;
///         // Of moment 0, with these scalars.
///         update.with(Lion, [0], [now.lr, b1, 1.0 - b1, b2, 1.0 - b2, 1.0 - now.lr * self.weight_decay])
///     }
/// }
///
/// struct Lion;
///
/// impl StepFormula<1, 6> for Lion {
///     fn step<V: Real>(p: V, g: V, [m]: [V; 1], [lr, b1, rest1, b2, rest2, keep]: [V; 6]) -> (V, [V; 1]) {
///         let direction = (m * b1 + g * rest1).sign();
///         (p * keep - lr * direction, [m * b2 + g * rest2])
///     }
/// }
///
/// let rule = LionRule { betas: (0.9, 0.99), weight_decay: 0.0 };
/// let lion = Optim::from_rule(1e-4, rule)
///     .clip_norm(1.0)
///     .group("head.*", |g| g.lr(1e-3).with_rule(|r| r.weight_decay = 0.1));
/// assert_eq!(lion.lr(), 1e-4);
/// ```
pub trait Rule: Copy + Send + Sync + 'static {
    /// PyTorch's name of the optimizer. It is part of checkpoints, and errors begin with it.
    const NAME: &'static str;
    /// PyTorch's names of the moments, the values that are kept for each element from step to step: at most three,
    /// without `/`.
    const MOMENTS: &'static [&'static str];
    /// The setting that decides whether moment `k` is kept, if the setting never changes: checkpoints with its other
    /// value do not fit.
    fn kept_by(k: usize) -> Option<&'static str> {
        let _ = k;
        None
    }
    /// Whether moment `k` is kept with these settings.
    fn uses(&self, k: usize) -> bool {
        let _ = k;
        true
    }
    /// The initial value of the moments.
    fn initial(&self) -> f64 {
        0.0
    }
    /// An error of the settings. It is returned by each step, which changes nothing. A text is converted with
    /// `.into()`.
    fn check(&self) -> Result<(), OptimizerProblem> {
        Ok(())
    }
    /// The initial value of a scalar that depends on all earlier steps.
    const CARRIED: f64 = 0.0;
    /// The scalar after step `t` of a parameter (from 1), from the scalar before the step.
    fn carry(&self, carried: f64, t: u64) -> f64 {
        let _ = t;
        carried
    }
    /// Whether steps go up the gradient instead of down.
    fn maximize(&self) -> bool {
        false
    }
    /// The momentum, or the first beta, if the rule has one: schedules may set it.
    fn momentum(&self) -> Option<f64> {
        None
    }
    /// Sets it. Does nothing if the rule has none.
    fn set_momentum(&mut self, momentum: f64) {
        let _ = momentum;
    }
    /// The formula of a step, with its scalars and its moments, for parameters that have the same settings and number
    /// of steps: [`Update::with`]. It is called once for each such run of parameters in each step, before any of them
    /// changes. An error is returned by the step, which changes nothing.
    fn update<D: Device>(
        &self,
        now: &Now,
        update: Update<'_, D>,
    ) -> Result<Chosen, OptimizerProblem>;
}

/// The values that a step depends on, besides the rule's settings.
#[derive(Clone, Copy, Debug)]
pub struct Now {
    /// The learning rate.
    pub lr: f64,
    /// The step of these parameters, from 1.
    pub t: u64,
    /// The scalar that the rule carries, after this step.
    pub carried: f64,
    /// The moments have not been used yet.
    pub fresh: bool,
}

/// Checks that `value` is a number in `range`. The error names it and the range.
pub(super) fn within(
    setting: &'static str,
    value: f64,
    range: impl RangeBounds<f64>,
) -> Result<(), OptimizerProblem> {
    if value.is_finite() && range.contains(&value) {
        return Ok(());
    }
    let range = (range.start_bound().cloned(), range.end_bound().cloned());
    Err(OptimizerProblem::Setting {
        setting,
        range,
        value,
    })
}
