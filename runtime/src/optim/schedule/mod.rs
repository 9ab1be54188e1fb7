//! Learning rates over time: PyTorch's schedules, under its names.
//!
//! A curve such as [`StepLR`] is put `.on(&mut optimizer)`: that takes the optimizer's rates as the bases
//! and sets the first ones. From then on [`step`](Schedule::step) after each optimizer step (or
//! epoch) sets the next. As in PyTorch a step changes the rate in force, that of each group by itself, so that
//! several schedules on one optimizer multiply; [`ChainedScheduler`] steps several at once, [`SequentialLR`]
//! one after the other.
//!
//! A schedule that does not fit (its settings, the number of groups, a momentum that the optimizer does not have) and
//! one that is stepped after its end are an error of the optimizer's next step, which names the setting. The next
//! schedule that is put on the optimizer lifts it.
//!
//! ```
//! use netform_runtime::optim::{Optimizer, Sgd, schedule::{Curve, StepLR}};
//! let mut sgd = Sgd::new(0.1);
//! let mut schedule = StepLR::new(10).gamma(0.5).on(&mut sgd);
//! assert_eq!((schedule.lr_at(9), schedule.lr_at(10)), (0.1, 0.05));
//! schedule.step(&mut sgd);
//! assert_eq!(sgd.lr(), 0.1);
//! ```

mod compose;
mod curves;
mod cyclic;
mod factors;
mod groups;
mod one_cycle;
mod plateau;
mod scheduler;
mod swa;
mod warm_restarts;

pub use compose::{ChainedScheduler, SequentialLR};
pub use curves::{
    ConstantLR, CosineAnnealingLR, ExponentialLR, LinearLR, MultiStepLR, PolynomialLR, StepLR,
};
pub use cyclic::{CyclicLR, CyclicMode, ScaleMode};
pub use factors::{LambdaLR, MultiplicativeLR, inverse_sqrt, warmup_cosine};
pub use groups::PerGroup;
pub use one_cycle::OneCycleLR;
pub use plateau::ReduceLROnPlateau;
pub use scheduler::{IntoScheduler, Schedule, Scheduler};
pub use swa::SWALR;
pub use warm_restarts::CosineAnnealingWarmRestarts;

use super::{Optimizer, Rates};

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

/// A learning rate as a function of time.
///
/// A custom curve needs [`lr`](Self::lr) alone.
pub trait Curve: Sized {
    /// The rate for optimizer step `t` (from 0), from the optimizer's own rate.
    fn lr(&self, base: f64, t: u64) -> f64;
    /// The momentum (Adam's first beta) for step `t`, if the schedule sets it.
    fn momentum(&self, t: u64) -> Option<f64> {
        let _ = t;
        None
    }
    /// The next rate of a group, from that in force: PyTorch's chainable form, its `get_lr`.
    fn next(&self, at: &At) -> f64 {
        self.lr(at.base, at.t)
    }
    /// The rate of a group that is put at a step: PyTorch's closed form.
    fn jump(&self, at: &At) -> f64 {
        self.lr(at.base, at.t)
    }
    /// The next momentum of a group.
    fn next_momentum(&self, at: &At) -> Option<f64> {
        self.momentum(at.t)
    }
    /// Before the first rate is set: changes of the optimizer's settings, or the reason why the schedule does
    /// not fit. `last_epoch`: the step after which it continues an earlier one.
    fn begin(&mut self, rates: &mut dyn Rates, last_epoch: Option<u64>) -> Result<(), String> {
        let _ = (rates, last_epoch);
        Ok(())
    }
    /// Whether it may be at step `t`, or the reason why not: the optimizer's next step reports it.
    fn allows(&self, t: u64) -> Result<(), String> {
        let _ = t;
        Ok(())
    }
    /// The base of a group, if it is not the group's rate.
    fn base(&self, group: usize) -> Option<f64> {
        let _ = group;
        None
    }
    /// Time goes on to the next step; `first` is the first of all.
    fn advance(&mut self, first: bool) {
        let _ = first;
    }
    /// It is put at a step.
    fn put(&mut self, t: u64) {
        let _ = t;
    }
    /// What [`advance`](Self::advance) changes, as numbers.
    fn save(&self) -> Vec<f64> {
        Vec::new()
    }
    /// The inverse, from the front of `state`; `false` if it is another curve's.
    #[must_use]
    fn load(&mut self, state: &mut &[f64]) -> bool {
        let _ = state;
        true
    }

    /// Takes the optimizer's rates as the bases and sets those of step 0.
    fn on(self, optimizer: &mut impl Optimizer) -> Schedule<Self> {
        let mut schedule = Schedule::idle(self);
        optimizer.accept(None);
        schedule.begin(optimizer, -1);
        schedule
    }
    /// Continues after step `last_epoch`, as the constructors in PyTorch do with this argument: the rates
    /// in force stay those of the optimizer (of a checkpoint), the bases are its
    /// [`initial_lr`](Rates::initial_lr).
    fn resume(self, optimizer: &mut impl Optimizer, last_epoch: u64) -> Schedule<Self> {
        let mut schedule = Schedule::idle(self);
        optimizer.accept(None);
        schedule.begin(optimizer, last_epoch.min(MOST) as i64);
        schedule
    }
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
const MOST: u64 = 1 << 53;

/// Whether a number counts something: whole, and no larger than floats can count.
fn is_count(x: f64) -> bool {
    (0.0..=MOST as f64).contains(&x) && x.fract() == 0.0
}
