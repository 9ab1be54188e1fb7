//! Curves, and curves in use: these count the steps and set the rates of an optimizer's groups.

use std::sync::atomic::{AtomicU64, Ordering};

use super::scheduler::{IntoScheduler, Scheduler};
use super::step::{At, MOST, ScheduleState, is_count};
use crate::OptimizerProblem;
use crate::optim::{Optimizer, Rates};

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
    /// not fit, which may be a text, `text.into()`. `last_epoch`: the step after which it continues an earlier one.
    fn begin(
        &mut self,
        rates: &mut dyn Rates,
        last_epoch: Option<u64>,
    ) -> Result<(), OptimizerProblem> {
        let _ = (rates, last_epoch);
        Ok(())
    }
    /// Whether it may be at step `t`, or the reason why not: the optimizer's next step reports it.
    fn allows(&self, t: u64) -> Result<(), OptimizerProblem> {
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

impl<C: Curve + Send + Sync + 'static> IntoScheduler for C {
    fn into_scheduler(self) -> Box<dyn Scheduler> {
        Box::new(Schedule::idle(self))
    }
}

/// The next schedule's.
static NEXT: AtomicU64 = AtomicU64::new(2);

/// A curve in use: it counts the steps.
#[derive(Clone, Debug)]
pub struct Schedule<S> {
    curve: S,
    /// For each group, the rate from which it starts.
    bases: Vec<f64>,
    /// The step; -1 before the first rate is set.
    t: i64,
    calls: u64,
    /// It does not fit the optimizer.
    problem: Option<OptimizerProblem>,
    /// Tells it from other schedules.
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

    /// Goes on by one and sets the optimizer's rates.
    pub fn step(&mut self, optimizer: &mut impl Optimizer) {
        self.go_on(optimizer, false);
    }
    /// Goes to step `t` and sets the optimizer's rates, by the closed form where there is one: PyTorch's
    /// `step(epoch)`.
    pub fn step_to(&mut self, t: u64, optimizer: &mut impl Optimizer) {
        let t = t.min(MOST);
        self.calls += 1;
        self.t = t as i64;
        self.curve.put(t);
        self.set(optimizer, false, S::jump);
    }
    /// The rate for optimizer step `t`, from 0, if nothing else changes it; that of the optimizer itself, not
    /// of its groups.
    pub fn lr_at(&self, t: u64) -> f64 {
        self.curve.lr(self.bases.first().copied().unwrap_or(0.0), t)
    }
    /// The momentum for step `t`, if the schedule sets it.
    pub fn momentum_at(&self, t: u64) -> Option<f64> {
        self.curve.momentum(t)
    }
    /// How often [`step`](Self::step) was called.
    pub fn t(&self) -> u64 {
        u64::try_from(self.t).unwrap_or(0)
    }
    /// The curve.
    pub(super) fn curve_mut(&mut self) -> &mut S {
        &mut self.curve
    }
    /// Sets the rates of a curve that was changed.
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
        // A part that has not begun is before step 0 by one for each sequence that it is in.
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
        // Older versions kept one base for all groups.
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
