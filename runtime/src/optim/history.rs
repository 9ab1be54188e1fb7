//! The steps that one parameter has had: PyTorch counts them for each parameter, since a step moves only
//! those that have a gradient.

use super::Rule;

/// What a parameter's next step depends on, beside its moments.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(super) struct History {
    /// Steps.
    pub(super) t: u64,
    /// The scalar that the rule carries from step to step.
    pub(super) carried: f64,
    /// The moments hold something: a step has been made with settings that use them.
    pub(super) begun: bool,
}

impl History {
    /// That of a parameter without a step.
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
