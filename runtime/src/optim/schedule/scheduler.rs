//! Schedules of any kind, as parts of others.

use crate::optim::Rates;

/// A schedule of any kind, as a part of [`ChainedScheduler`](super::ChainedScheduler) or
/// [`SequentialLR`](super::SequentialLR). The methods are those of PyTorch's `LRScheduler`.
pub trait Scheduler: Send + Sync {
    /// Takes the base rates from the optimizer and sets the first rates. `last_epoch`: the step after which it
    /// continues, -1 for none.
    fn begin(&mut self, rates: &mut dyn Rates, last_epoch: i64);
    /// Sets the first rates again.
    fn initial_step(&mut self, rates: &mut dyn Rates);
    /// Advances by one step and sets the rates.
    fn advance(&mut self, rates: &mut dyn Rates);
    /// Jumps to step 0 and sets the rates.
    fn restart(&mut self, rates: &mut dyn Rates);
    /// Undoes the step that `begin` has made.
    fn undo(&mut self);
    /// Appends all values that change over time.
    fn save(&self, out: &mut Vec<f64>);
    /// The inverse of `save`, from the front of `state`; `false` if the state belongs to another schedule.
    #[must_use]
    fn load(&mut self, state: &mut &[f64]) -> bool;
}

/// The possible parts of a schedule: curves and composed schedules.
pub trait IntoScheduler {
    /// The schedule, not yet on an optimizer.
    fn into_scheduler(self) -> Box<dyn Scheduler>;
}

/// The number for errors of a [`SequentialLR`](super::SequentialLR).
pub(super) const COMPOSED: u64 = 0;
/// The number for errors of a [`ReduceLROnPlateau`](super::ReduceLROnPlateau): the next one replaces it.
pub(super) const PLATEAU: u64 = 1;
