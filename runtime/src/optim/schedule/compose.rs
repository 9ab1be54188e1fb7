//! Schedules that consist of schedules.

use super::scheduler::COMPOSED;
use super::step::{MOST, is_count};
use super::{IntoScheduler, ScheduleState, Scheduler};
use crate::OptimizerProblem;
use crate::optim::{Optimizer, Rates};

/// Several schedules at once: each changes the rates that the schedules before it have set.
///
/// ```
/// use netform_runtime::optim::{Optimizer, Sgd};
/// use netform_runtime::optim::schedule::{ChainedScheduler, ConstantLR, ExponentialLR};
/// let mut sgd = Sgd::new(1.0);
/// let parts = ChainedScheduler::new(ConstantLR::new(0.5, 2)).with(ExponentialLR::new(0.9));
/// let mut schedule = parts.on(&mut sgd);
/// assert_eq!(sgd.lr(), 0.5);
/// schedule.step(&mut sgd);
/// assert_eq!(sgd.lr(), 0.5 * 0.9);
/// ```
pub struct ChainedScheduler {
    parts: Vec<Box<dyn Scheduler>>,
}

impl ChainedScheduler {
    /// With this schedule alone.
    pub fn new(first: impl IntoScheduler) -> Self {
        Self {
            parts: vec![first.into_scheduler()],
        }
    }
    /// Adds this schedule after the others.
    #[must_use]
    pub fn with(mut self, next: impl IntoScheduler) -> Self {
        self.parts.push(next.into_scheduler());
        self
    }
    /// Sets the optimizer's first rates: each schedule begins, in order.
    #[must_use]
    pub fn on(mut self, optimizer: &mut impl Optimizer) -> Self {
        optimizer.accept(None);
        self.begin(optimizer, -1);
        self
    }
    /// Advances each schedule by one step.
    pub fn step(&mut self, optimizer: &mut impl Optimizer) {
        self.advance(optimizer);
    }
}

impl Scheduler for ChainedScheduler {
    fn begin(&mut self, rates: &mut dyn Rates, last_epoch: i64) {
        for part in &mut self.parts {
            part.begin(rates, last_epoch);
        }
    }
    fn initial_step(&mut self, rates: &mut dyn Rates) {
        self.advance(rates);
    }
    fn advance(&mut self, rates: &mut dyn Rates) {
        for part in &mut self.parts {
            part.advance(rates);
        }
    }
    fn restart(&mut self, rates: &mut dyn Rates) {
        for part in &mut self.parts {
            part.restart(rates);
        }
    }
    fn undo(&mut self) {
        self.parts.iter_mut().for_each(|part| part.undo());
    }
    fn save(&self, out: &mut Vec<f64>) {
        self.parts.iter().for_each(|part| part.save(out));
    }
    fn load(&mut self, state: &mut &[f64]) -> bool {
        self.parts.iter_mut().all(|part| part.load(state))
    }
}

/// Schedules one after the other: each begins, from the initial rates, at its milestone.
///
/// ```
/// use netform_runtime::optim::{Optimizer, Sgd};
/// use netform_runtime::optim::schedule::{CosineAnnealingLR, LinearLR, SequentialLR};
/// let mut sgd = Sgd::new(0.1);
/// let warmup = LinearLR::new(0.1, 1.0, 5);
/// let mut schedule = SequentialLR::new(warmup).then(5, CosineAnnealingLR::new(95)).on(&mut sgd);
/// for _ in 0..5 {
///     schedule.step(&mut sgd);
/// }
/// assert_eq!(sgd.lr(), 0.1);
/// ```
pub struct SequentialLR {
    parts: Vec<Box<dyn Scheduler>>,
    /// The steps at which the parts from the second on begin.
    milestones: Vec<u64>,
    t: u64,
}

impl SequentialLR {
    /// Starts with this schedule.
    pub fn new(first: impl IntoScheduler) -> Self {
        Self {
            parts: vec![first.into_scheduler()],
            milestones: Vec::new(),
            t: 0,
        }
    }
    /// Continues with this schedule from step `milestone` on.
    #[must_use]
    pub fn then(mut self, milestone: u64, next: impl IntoScheduler) -> Self {
        self.milestones.push(milestone);
        self.parts.push(next.into_scheduler());
        self
    }
    /// Sets the optimizer's first rates.
    #[must_use]
    pub fn on(mut self, optimizer: &mut impl Optimizer) -> Self {
        optimizer.accept(None);
        self.begin(optimizer, -1);
        self
    }
    /// The same, but continues counting from step `last_epoch`. As in PyTorch its parts start from the beginning.
    #[must_use]
    pub fn resume(mut self, optimizer: &mut impl Optimizer, last_epoch: u64) -> Self {
        optimizer.accept(None);
        self.begin(optimizer, last_epoch.min(MOST) as i64);
        self
    }
    /// Advances by one step.
    pub fn step(&mut self, optimizer: &mut impl Optimizer) {
        self.advance(optimizer);
    }
    /// The active part at a step: the one with the last milestone that is not later.
    fn at(&self, t: u64) -> usize {
        self.milestones.partition_point(|m| *m <= t)
    }
}

impl Scheduler for SequentialLR {
    fn begin(&mut self, rates: &mut dyn Rates, last_epoch: i64) {
        if self
            .milestones
            .iter()
            .zip(self.milestones.iter().skip(1))
            .any(|(a, b)| a > b)
        {
            rates.refuse(
                COMPOSED,
                OptimizerProblem::Milestones {
                    milestones: self.milestones.clone(),
                },
            );
        }
        for part in &mut self.parts {
            part.begin(rates, -1);
        }
        self.t = u64::try_from(last_epoch + 1).unwrap_or(0);
        for g in 0..rates.groups() {
            if let Some(lr) = rates.initial_lr(g) {
                rates.set_group_lr(g, lr);
            }
        }
        self.undo();
        let first = self.at(0);
        if let Some(part) = self.parts.get_mut(first) {
            part.initial_step(rates);
        }
    }
    fn initial_step(&mut self, rates: &mut dyn Rates) {
        self.advance(rates);
    }
    fn advance(&mut self, rates: &mut dyn Rates) {
        self.t += 1;
        let k = self.at(self.t);
        let begins = k > 0 && self.milestones[k - 1] == self.t;
        if let Some(part) = self.parts.get_mut(k) {
            match begins {
                true => part.restart(rates),
                false => part.advance(rates),
            }
        }
    }
    fn restart(&mut self, rates: &mut dyn Rates) {
        self.t = 0;
        let k = self.at(0);
        if let Some(part) = self.parts.get_mut(k) {
            part.restart(rates);
        }
    }
    fn undo(&mut self) {
        self.parts.iter_mut().for_each(|part| part.undo());
    }
    fn save(&self, out: &mut Vec<f64>) {
        out.push(self.t as f64);
        self.parts.iter().for_each(|part| part.save(out));
    }
    fn load(&mut self, state: &mut &[f64]) -> bool {
        let [t, rest @ ..] = *state else { return false };
        if !is_count(*t) {
            return false;
        }
        *state = rest;
        let loaded = self.parts.iter_mut().all(|part| part.load(state));
        self.t = *t as u64;
        loaded
    }
}

impl IntoScheduler for ChainedScheduler {
    fn into_scheduler(self) -> Box<dyn Scheduler> {
        Box::new(self)
    }
}

impl IntoScheduler for SequentialLR {
    fn into_scheduler(self) -> Box<dyn Scheduler> {
        Box::new(self)
    }
}

macro_rules! states {
    ($($name:ident)*) => {$(
        impl ScheduleState for $name {
            fn state(&self) -> Vec<f64> {
                let mut out = Vec::new();
                self.save(&mut out);
                out
            }
            fn set_state(&mut self, state: &[f64]) -> bool {
                let (before, mut rest) = (self.state(), state);
                let loaded = self.load(&mut rest) && rest.is_empty();
                // After an error all parts are unchanged: they load their own earlier state.
                loaded || (self.load(&mut &before[..]) && false)
            }
        }

        impl std::fmt::Debug for $name {
            fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
                f.debug_struct(stringify!($name))
                    .field("parts", &self.parts.len())
                    .field("state", &self.state())
                    .finish()
            }
        }
    )*};
}
states! { ChainedScheduler SequentialLR }
