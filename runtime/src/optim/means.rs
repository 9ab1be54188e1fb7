//! The common parts of Adam and the rules based on it: settings, weight decay, and the running means.

use super::rule::{Now, within};
use crate::{OptimizerProblem, Real};

/// The checks of all rules with two betas.
pub(super) fn check_betas(
    betas: (f64, f64),
    eps: f64,
    weight_decay: f64,
) -> Result<(), OptimizerProblem> {
    within("the first beta", betas.0, 0.0..1.0)?;
    within("the second beta", betas.1, 0.0..1.0)?;
    within("eps", eps, 0.0..)?;
    within("weight_decay", weight_decay, 0.0..)
}

/// `1 - beta^t`.
pub(super) fn correction(beta: f64, t: u64) -> f64 {
    1.0 - beta.powi(i32::try_from(t).unwrap_or(i32::MAX))
}

/// The scalars of [`means`]: penalty, keep, 1 - b1, b2, 1 - b2. Weight decay is part of the gradient, or `decoupled`.
pub(super) fn scalars(
    now: &Now,
    (b1, b2): (f64, f64),
    weight_decay: f64,
    decoupled: bool,
) -> [f64; 5] {
    let (penalty, keep) = match decoupled {
        true => (0.0, 1.0 - now.lr * weight_decay),
        false => (weight_decay, 1.0),
    };
    [penalty, keep, 1.0 - b1, b2, 1.0 - b2]
}

/// The parameter and the gradient after decay, and the next means of the gradient and its square.
#[cfg_attr(not(debug_assertions), inline(always))]
pub(super) fn means<V: Real>(
    p: V,
    g: V,
    [m, v]: [V; 2],
    [penalty, keep, take, b2, take2]: [V; 5],
) -> (V, V, [V; 2]) {
    let g = g + penalty * p;
    let p = p * keep;
    let m = m + take * (g - m);
    let v = v * b2 + take2 * g * g;
    (p, g, [m, v])
}
