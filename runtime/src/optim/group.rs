//! Parameter groups: parameters with different settings, by name.

use super::Rule;

/// The parameters that belong to a group: `"head.weight"` (that one), `"head.*"` (all that start with `head.`), or a
/// predicate on the name.
pub trait Pattern: Send + Sync + 'static {
    /// Whether the parameter with this name belongs to it.
    fn matches(&self, name: &str) -> bool;
    /// The text in messages.
    fn describe(&self) -> &str {
        "the predicate"
    }
}

impl Pattern for &'static str {
    fn matches(&self, name: &str) -> bool {
        match self.strip_suffix('*') {
            Some(prefix) => name.starts_with(prefix),
            None => name == *self,
        }
    }
    fn describe(&self) -> &str {
        self
    }
}

impl<F: Fn(&str) -> bool + Send + Sync + 'static> Pattern for F {
    fn matches(&self, name: &str) -> bool {
        self(name)
    }
}

/// The settings of a group during its declaration.
pub struct Group<R> {
    pub(super) lr: Option<f64>,
    pub(super) rule: R,
}

impl<R: Rule> Group<R> {
    /// A learning rate for this group. [`set_lr`](crate::optim::Optimizer::set_lr) changes it in proportion to the
    /// optimizer's; schedules set the rate of each group separately.
    #[must_use]
    pub fn lr(mut self, lr: f64) -> Self {
        self.lr = Some(lr);
        self
    }

    /// Changes the rule's settings for the group.
    #[must_use]
    pub fn with_rule(mut self, change: impl FnOnce(&mut R)) -> Self {
        change(&mut self.rule);
        self
    }
}

/// A declared group.
pub(super) struct Grouped<R> {
    pub(super) pattern: Box<dyn Pattern>,
    /// The rate in the group's declaration, if it has one.
    pub(super) own: Option<f64>,
    /// The optimizer's rate when the group was declared.
    pub(super) base: f64,
    /// The rate.
    pub(super) lr: f64,
    /// The rate from which schedules start.
    pub(super) initial_lr: Option<f64>,
    pub(super) rule: R,
}

impl<R> Grouped<R> {
    /// The group's rate in proportion to the optimizer's, `lr`.
    pub(super) fn in_proportion(&self, lr: f64) -> f64 {
        match self.own {
            None => lr,
            Some(own) if lr == self.base || self.base == 0.0 => own,
            Some(own) => own * (lr / self.base),
        }
    }
}
