//! The steps of one parameter. PyTorch counts steps for each parameter, since a step changes only parameters that have
//! a gradient.

use super::Rule;

/// The history that a parameter's next step depends on, besides its moments.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(super) struct History {
    /// The number of steps.
    pub(super) t: u64,
    /// The scalar that the rule carries from step to step.
    pub(super) carried: f64,
    /// The moments are in use: a step was made with settings that use them.
    pub(super) begun: bool,
}

impl History {
    /// The history of a parameter without steps.
    pub(super) fn new<R: Rule>() -> Self {
        Self {
            t: 0,
            carried: R::CARRIED,
            begun: false,
        }
    }
    /// After one more step of this rule.
    pub(super) fn next<R: Rule>(self, rule: &R) -> Self {
        let t = self.t + 1;
        Self {
            t,
            carried: rule.carry(self.carried, t),
            begun: self.begun || rule.uses(0),
        }
    }
}
