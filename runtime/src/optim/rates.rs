//! The rates and momenta of an optimizer's groups, for schedules.

use crate::OptimizerProblem;

/// The parameter groups of an optimizer, by number: 0 is the optimizer itself (the parameters in no group), 1 and on
/// are its groups in the order of their declaration. PyTorch's `param_groups`.
pub trait Rates {
    /// The number of groups, at least 1.
    fn groups(&self) -> usize;
    /// The rate of a group.
    fn group_lr(&self, group: usize) -> f64;
    /// Sets the rate of this group only.
    fn set_group_lr(&mut self, group: usize, lr: f64);
    /// The momentum of a group, or Adam's first beta.
    fn group_momentum(&self, group: usize) -> f64;
    /// Sets the momentum (Adam's first beta) of this group only. Does nothing if there is none.
    fn set_group_momentum(&mut self, group: usize, momentum: f64);
    /// The rate from which schedules start: the group's rate when its first schedule began, PyTorch's `initial_lr`.
    fn initial_lr(&self, group: usize) -> Option<f64>;
    /// Sets it, for a schedule that continues an earlier one.
    fn set_initial_lr(&mut self, group: usize, lr: f64);
    /// Whether the optimizer has a momentum or a first beta to set.
    fn has_momentum(&self) -> bool;
    /// Makes each later step an error, with this problem: the schedule of this number does not fit the optimizer, or
    /// has ended.
    #[doc(hidden)]
    fn refuse(&mut self, schedule: u64, problem: OptimizerProblem);
    /// Removes the error of the schedule of this number; with `None`, the errors of all schedules.
    #[doc(hidden)]
    fn accept(&mut self, schedule: Option<u64>);
}
