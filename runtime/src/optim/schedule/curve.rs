//! Curves, and schedules, which count the steps of a curve and set the rates of an optimizer's groups.

use std::sync::atomic::{AtomicU64, Ordering};

use super::scheduler::{IntoScheduler, Scheduler};
use super::step::{At, MOST, ScheduleState, is_count};
use crate::OptimizerProblem;
use crate::optim::{Optimizer, Rates};

/// A learning rate as a function of time.
///
/// A custom curve needs only [`lr`](Self::lr).
pub trait Curve: Sized {
    /// The rate for optimizer step `t` (from 0), from the optimizer's initial rate.
    fn lr(&self, base: f64, t: u64) -> f64;
    /// The momentum (Adam's first beta) for step `t`, if the schedule sets it.
    fn momentum(&self, t: u64) -> Option<f64> {
        let _ = t;
        None
    }
    /// The next rate of a group, from the current rate: PyTorch's chainable form, its `get_lr`.
    fn next(&self, at: &At) -> f64 {
        self.lr(at.base, at.t)
    }
    /// The rate of a group after a jump to a step: PyTorch's closed form.
    fn jump(&self, at: &At) -> f64 {
        self.lr(at.base, at.t)
    }
    /// The next momentum of a group.
    fn next_momentum(&self, at: &At) -> Option<f64> {
        self.momentum(at.t)
    }
    /// Called before the first rate is set: changes the optimizer's settings, or returns the reason why the schedule
    /// does not fit, for example a text, `text.into()`. `last_epoch`: the step after which it continues an earlier
    /// schedule.
    fn begin(
        &mut self,
        rates: &mut dyn Rates,
        last_epoch: Option<u64>,
    ) -> Result<(), OptimizerProblem> {
        let _ = (rates, last_epoch);
        Ok(())
    }
    /// Whether step `t` is allowed, or the reason why not: the optimizer's next step reports it.
    fn allows(&self, t: u64) -> Result<(), OptimizerProblem> {
        let _ = t;
        Ok(())
    }
    /// The base of a group, if it is not the group's rate.
    fn base(&self, group: usize) -> Option<f64> {
        let _ = group;
        None
    }
    /// Advances to the next step; `first` is set for the first step.
    fn advance(&mut self, first: bool) {
        let _ = first;
    }
    /// Jumps to a step.
    fn put(&mut self, t: u64) {
        let _ = t;
    }
    /// The values that [`advance`](Self::advance) changes, as numbers.
    fn save(&self) -> Vec<f64> {
        Vec::new()
    }
    /// The inverse of [`save`](Self::save), from the front of `state`; `false` if the state belongs to another curve.
    #[must_use]
    fn load(&mut self, state: &mut &[f64]) -> bool {
        let _ = state;
        true
    }

    /// Takes the optimizer's rates as base rates and sets the rates of step 0.
    fn on(self, optimizer: &mut impl Optimizer) -> Schedule<Self> {
        let mut schedule = Schedule::idle(self);
        optimizer.accept(None);
        schedule.begin(optimizer, -1);
        schedule
    }
    /// Continues after step `last_epoch`, like the constructors in PyTorch with this argument: the current rates of the
    /// optimizer (of a checkpoint) are kept, and the base rates are its [`initial_lr`](Rates::initial_lr).
    fn resume(self, optimizer: &mut impl Optimizer, last_epoch: u64) -> Schedule<Self> {
        let mut schedule = Schedule::idle(self);
        optimizer.accept(None);
        schedule.begin(optimizer, last_epoch.min(MOST) as i64);
        schedule
    }
}

impl<C: Curve + Send + Sync + 'static> IntoScheduler for C {
    fn into_scheduler(self) -> Box<dyn Scheduler> {
        Box::new(Schedule::idle(self))
    }
}

/// The number of the next schedule.
static NEXT: AtomicU64 = AtomicU64::new(2);

/// A curve with an optimizer: it counts the steps.
#[derive(Clone, Debug)]
pub struct Schedule<S> {
    curve: S,
    /// The base rate of each group.
    bases: Vec<f64>,
    /// The step; -1 before the first rate is set.
    t: i64,
    calls: u64,
    /// The reason why it does not fit the optimizer.
    problem: Option<OptimizerProblem>,
    /// Distinguishes it from other schedules.
    number: u64,
}

impl<S: Curve> Schedule<S> {
    pub(super) fn idle(curve: S) -> Self {
        Self {
            curve,
            bases: Vec::new(),
            t: -1,
            calls: 0,
            problem: None,
            number: NEXT.fetch_add(1, Ordering::Relaxed),
        }
    }
    pub(super) fn begin(&mut self, rates: &mut dyn Rates, last_epoch: i64) {
        let resumed = last_epoch >= 0;
        let begun = self.curve.begin(rates, u64::try_from(last_epoch).ok());
        self.problem = begun.err();
        self.bases.clear();
        for g in 0..rates.groups() {
            if rates.initial_lr(g).is_none() {
                if resumed {
                    let what =
                        "a schedule continues, but no initial rate is known: call `set_initial_lr`";
                    self.problem.get_or_insert(what.into());
                }
                rates.set_initial_lr(g, rates.group_lr(g));
            }
            self.bases.push(rates.initial_lr(g).unwrap_or(0.0));
        }
        self.t = last_epoch;
        self.initial(rates);
        for (g, base) in self.bases.iter_mut().enumerate() {
            *base = self.curve.base(g).unwrap_or(*base);
        }
    }
    fn initial(&mut self, rates: &mut dyn Rates) {
        self.calls = 0;
        self.go_on(rates, true);
    }
    fn go_on(&mut self, rates: &mut dyn Rates, initial: bool) {
        self.curve.advance(self.t < 0);
        self.calls += 1;
        self.t += 1;
        self.set(rates, initial, S::next);
    }
    fn set(&self, rates: &mut dyn Rates, initial: bool, rate: impl Fn(&S, &At) -> f64) {
        let problem = self.problem.clone();
        match problem.or_else(|| self.curve.allows(self.t()).err()) {
            Some(problem) => rates.refuse(self.number, problem),
            None => rates.accept(Some(self.number)),
        }
        for (group, base) in self.bases.iter().enumerate().take(rates.groups()) {
            let at = At {
                group,
                t: self.t(),
                base: *base,
                lr: rates.group_lr(group),
                initial,
                calls: self.calls,
            };
            rates.set_group_lr(group, rate(&self.curve, &at));
            if let Some(momentum) = self.curve.next_momentum(&at) {
                rates.set_group_momentum(group, momentum);
            }
        }
    }

    /// Advances by one step and sets the optimizer's rates.
    pub fn step(&mut self, optimizer: &mut impl Optimizer) {
        self.go_on(optimizer, false);
    }
    /// Jumps to step `t` and sets the optimizer's rates, by the closed form if there is one: PyTorch's `step(epoch)`.
    pub fn step_to(&mut self, t: u64, optimizer: &mut impl Optimizer) {
        let t = t.min(MOST);
        self.calls += 1;
        self.t = t as i64;
        self.curve.put(t);
        self.set(optimizer, false, S::jump);
    }
    /// The rate for optimizer step `t`, from 0, if nothing else changes it. It is the rate of the optimizer itself, not
    /// of its groups.
    pub fn lr_at(&self, t: u64) -> f64 {
        self.curve.lr(self.bases.first().copied().unwrap_or(0.0), t)
    }
    /// The momentum for step `t`, if the schedule sets it.
    pub fn momentum_at(&self, t: u64) -> Option<f64> {
        self.curve.momentum(t)
    }
    /// The number of calls of [`step`](Self::step).
    pub fn t(&self) -> u64 {
        u64::try_from(self.t).unwrap_or(0)
    }
    /// The curve.
    pub(super) fn curve_mut(&mut self) -> &mut S {
        &mut self.curve
    }
    /// Sets the rates after a change of the curve.
    pub(super) fn set_at(&mut self, t: u64, rates: &mut dyn Rates) {
        self.t = t.min(MOST) as i64;
        self.set(rates, false, S::next);
    }
}

impl<S: Curve + Send + Sync> Scheduler for Schedule<S> {
    fn begin(&mut self, rates: &mut dyn Rates, last_epoch: i64) {
        Schedule::begin(self, rates, last_epoch);
    }
    fn initial_step(&mut self, rates: &mut dyn Rates) {
        self.initial(rates);
    }
    fn advance(&mut self, rates: &mut dyn Rates) {
        self.go_on(rates, false);
    }
    fn restart(&mut self, rates: &mut dyn Rates) {
        self.t = 0;
        self.set(rates, false, S::jump);
    }
    fn undo(&mut self) {
        self.t -= 1;
    }
    fn save(&self, out: &mut Vec<f64>) {
        out.extend([self.t as f64, self.calls as f64, self.bases.len() as f64]);
        out.extend(&self.bases);
        out.extend(self.curve.save());
    }
    fn load(&mut self, state: &mut &[f64]) -> bool {
        let [t, calls, groups, rest @ ..] = *state else {
            return false;
        };
        // A part that has not begun is one step before step 0 for each sequence that contains it.
        if !is_count(t.abs()) || !is_count(*calls) {
            return false;
        }
        let groups = *groups as usize;
        if groups != self.bases.len() || rest.len() < groups {
            return false;
        }
        let (bases, rest) = rest.split_at(groups);
        if !bases.iter().all(|base| base.is_finite()) {
            return false;
        }
        *state = rest;
        if !self.curve.load(state) {
            return false;
        }
        self.bases.copy_from_slice(bases);
        (self.t, self.calls) = (*t as i64, *calls as u64);
        true
    }
}

impl<S: Curve + Send + Sync> ScheduleState for Schedule<S> {
    fn state(&self) -> Vec<f64> {
        let mut out = Vec::new();
        self.save(&mut out);
        out
    }
    fn set_state(&mut self, state: &[f64]) -> bool {
        // Older versions had one base rate for all groups.
        if let [base, t] = *state {
            if !base.is_finite() || !is_count(t) {
                return false;
            }
            self.bases.fill(base);
            (self.t, self.calls) = (t as i64, t as u64 + 1);
            return true;
        }
        let mut rest = state;
        self.load(&mut rest) && rest.is_empty()
    }
}
