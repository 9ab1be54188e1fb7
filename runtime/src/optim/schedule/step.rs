//! Where a schedule stands.

/// Where a schedule stands when it sets a group's rate.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct At {
    /// The group: 0 is the optimizer itself.
    pub group: usize,
    /// The optimizer step that the rate is for, from 0: PyTorch's `last_epoch`.
    pub t: u64,
    /// The rate from which schedules start.
    pub base: f64,
    /// The rate in force.
    pub lr: f64,
    /// The schedule begins.
    pub initial: bool,
    /// How often a rate was set, this time included: PyTorch's `_step_count`.
    pub calls: u64,
}

/// What a checkpoint keeps of a schedule.
pub trait ScheduleState {
    /// All that changes over time, as numbers.
    fn state(&self) -> Vec<f64>;
    /// The inverse; `false` if the numbers are another schedule's.
    #[must_use]
    fn set_state(&mut self, state: &[f64]) -> bool;
}

/// The last step: beyond, floats cannot count.
pub(super) const MOST: u64 = 1 << 53;

/// Whether a number counts something: whole, and no larger than floats can count.
pub(super) fn is_count(x: f64) -> bool {
    (0.0..=MOST as f64).contains(&x) && x.fract() == 0.0
}
