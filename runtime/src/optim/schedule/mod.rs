//! Learning rates over time: PyTorch's schedules, under its names.
//!
//! A curve such as [`StepLR`] is put `.on(&mut optimizer)`: that takes the optimizer's rate as the base
//! and sets the first one. From then on [`step`](Schedule::step) after each optimizer step (or
//! epoch) sets the next.
//!
//! ```
//! use netform_runtime::optim::{Optimizer, Sgd, schedule::{Curve, StepLR}};
//! let mut sgd = Sgd::new(0.1);
//! let mut schedule = StepLR::new(10).gamma(0.5).on(&mut sgd);
//! assert_eq!((schedule.lr_at(9), schedule.lr_at(10)), (0.1, 0.05));
//! schedule.step(&mut sgd);
//! assert_eq!(sgd.lr(), 0.1);
//! ```

mod curves;
mod one_cycle;
mod plateau;

pub use curves::{
    CosineAnnealingLR, ExponentialLR, LambdaLR, LinearLR, MultiStepLR, StepLR, inverse_sqrt,
    warmup_cosine,
};
pub use one_cycle::OneCycleLR;
pub use plateau::ReduceLROnPlateau;

use super::Optimizer;

/// A learning rate as a function of time.
pub trait Curve: Sized {
    /// The rate for optimizer step `t` (from 0), from the optimizer's own rate.
    fn lr(&self, base: f64, t: u64) -> f64;
    /// The momentum (Adam's first beta) for step `t`, if the schedule sets it.
    fn momentum(&self, t: u64) -> Option<f64> {
        let _ = t;
        None
    }
    /// Takes the optimizer's rate as the base and sets that of step 0.
    fn on(self, optimizer: &mut impl Optimizer) -> Schedule<Self> {
        let schedule = Schedule {
            base: optimizer.lr(),
            curve: self,
            t: 0,
        };
        schedule.set(optimizer);
        schedule
    }
}

/// A curve in use: it counts the steps.
#[derive(Clone, Debug)]
pub struct Schedule<S> {
    curve: S,
    base: f64,
    t: u64,
}

impl<S: Curve> Schedule<S> {
    /// Goes on by one and sets the optimizer's rate.
    pub fn step(&mut self, optimizer: &mut impl Optimizer) {
        self.t += 1;
        self.set(optimizer);
    }
    /// The rate for optimizer step `t`, from 0.
    pub fn lr_at(&self, t: u64) -> f64 {
        self.curve.lr(self.base, t)
    }
    /// The momentum for step `t`, if the schedule sets it.
    pub fn momentum_at(&self, t: u64) -> Option<f64> {
        self.curve.momentum(t)
    }
    /// How often [`step`](Self::step) was called.
    pub fn t(&self) -> u64 {
        self.t
    }
    fn set(&self, optimizer: &mut impl Optimizer) {
        optimizer.set_lr(self.lr_at(self.t));
        if let Some(momentum) = self.momentum_at(self.t) {
            optimizer.set_momentum(momentum);
        }
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

/// Whether a number counts something: whole, and no larger than floats can count.
fn is_count(x: f64) -> bool {
    (0.0..=(1u64 << 53) as f64).contains(&x) && x.fract() == 0.0
}

impl<S: Curve> ScheduleState for Schedule<S> {
    fn state(&self) -> Vec<f64> {
        vec![self.base, self.t as f64]
    }
    fn set_state(&mut self, state: &[f64]) -> bool {
        let [base, t] = *state else { return false };
        if !base.is_finite() || !is_count(t) {
            return false;
        }
        (self.base, self.t) = (base, t as u64);
        true
    }
}
