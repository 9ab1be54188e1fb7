//! The position of a schedule.

/// The position of a schedule when it sets a group's rate.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct At {
    /// The group: 0 is the optimizer itself.
    pub group: usize,
    /// The optimizer step that the rate is for, from 0: PyTorch's `last_epoch`.
    pub t: u64,
    /// The rate from which schedules start.
    pub base: f64,
    /// The current rate.
    pub lr: f64,
    /// The schedule begins.
    pub initial: bool,
    /// The number of times that a rate was set, including this one: PyTorch's `_step_count`.
    pub calls: u64,
}

/// The state of a schedule in a checkpoint.
pub trait ScheduleState {
    /// All values that change over time, as numbers.
    fn state(&self) -> Vec<f64>;
    /// The inverse of `state`; `false` if the numbers belong to another schedule.
    #[must_use]
    fn set_state(&mut self, state: &[f64]) -> bool;
}

/// The last step. Floats cannot count further.
pub(super) const MOST: u64 = 1 << 53;

/// Whether a number is a count: an integer, and not larger than floats can count.
pub(super) fn is_count(x: f64) -> bool {
    (0.0..=MOST as f64).contains(&x) && x.fract() == 0.0
}
