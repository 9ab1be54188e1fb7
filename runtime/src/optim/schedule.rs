//! Learning rates over time: PyTorch's schedules, under its names.
//!
//! A shape such as [`StepLR`] is put `.on(&mut optimizer)`: that takes the optimizer's rate as the base
//! and sets the first one. From then on [`step`](Schedule::step) after each optimizer step (or
//! epoch) sets the next.
//!
//! ```
//! use netform_runtime::optim::{Optimizer, Sgd, schedule::StepLR};
//! let mut sgd = Sgd::new(0.1);
//! let mut schedule = StepLR::new(10).gamma(0.5).on(&mut sgd);
//! assert_eq!((schedule.lr_at(9), schedule.lr_at(10)), (0.1, 0.05));
//! schedule.step(&mut sgd);
//! assert_eq!(sgd.lr(), 0.1);
//! ```

use std::f64::consts::PI;

use super::Optimizer;

/// A learning rate as a function of time.
pub trait Shape: Sized {
    /// The rate for optimizer step `t` (from 0), from the optimizer's own rate.
    fn lr(&self, base: f64, t: u64) -> f64;
    /// The momentum (Adam's first beta) for step `t`, if the schedule sets it.
    fn momentum(&self, t: u64) -> Option<f64> {
        let _ = t;
        None
    }
    /// Takes the optimizer's rate as the base and sets that of step 0.
    fn on(self, optimizer: &mut impl Optimizer) -> Schedule<Self> {
        let schedule = Schedule { base: optimizer.lr(), shape: self, t: 0 };
        schedule.set(optimizer);
        schedule
    }
}

/// A shape in use: it counts the steps.
#[derive(Clone, Debug)]
pub struct Schedule<S> {
    shape: S,
    base: f64,
    t: u64,
}

impl<S: Shape> Schedule<S> {
    /// Goes on by one and sets the optimizer's rate.
    pub fn step(&mut self, optimizer: &mut impl Optimizer) {
        self.t += 1;
        self.set(optimizer);
    }
    /// The rate for optimizer step `t`, from 0.
    pub fn lr_at(&self, t: u64) -> f64 {
        self.shape.lr(self.base, t)
    }
    /// The momentum for step `t`, if the schedule sets it.
    pub fn momentum_at(&self, t: u64) -> Option<f64> {
        self.shape.momentum(t)
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

impl<S: Shape> ScheduleState for Schedule<S> {
    fn state(&self) -> Vec<f64> {
        vec![self.base, self.t as f64]
    }
    fn set_state(&mut self, state: &[f64]) -> bool {
        let [base, t] = *state else { return false };
        (self.base, self.t) = (base, t as u64);
        true
    }
}

/// `gamma` times as much every `step_size` steps.
#[derive(Clone, Copy, Debug)]
pub struct StepLR {
    step_size: u64,
    gamma: f64,
}

impl StepLR {
    /// With `gamma` 0.1. A `step_size` of 0 counts as 1.
    pub fn new(step_size: u64) -> Self {
        Self { step_size: step_size.max(1), gamma: 0.1 }
    }
    /// Sets the factor.
    #[must_use]
    pub fn gamma(mut self, gamma: f64) -> Self {
        self.gamma = gamma;
        self
    }
}

impl Shape for StepLR {
    fn lr(&self, base: f64, t: u64) -> f64 {
        base * power(self.gamma, t / self.step_size)
    }
}

/// `gamma` times as much at each milestone.
#[derive(Clone, Debug)]
pub struct MultiStepLR {
    milestones: Vec<u64>,
    gamma: f64,
}

impl MultiStepLR {
    /// With `gamma` 0.1.
    pub fn new(milestones: impl Into<Vec<u64>>) -> Self {
        Self { milestones: milestones.into(), gamma: 0.1 }
    }
    /// Sets the factor.
    #[must_use]
    pub fn gamma(mut self, gamma: f64) -> Self {
        self.gamma = gamma;
        self
    }
}

impl Shape for MultiStepLR {
    fn lr(&self, base: f64, t: u64) -> f64 {
        base * power(self.gamma, self.milestones.iter().filter(|&&m| m <= t).count() as u64)
    }
}

/// `gamma` times as much every step.
#[derive(Clone, Copy, Debug)]
pub struct ExponentialLR {
    gamma: f64,
}

impl ExponentialLR {
    /// With this factor.
    pub fn new(gamma: f64) -> Self {
        Self { gamma }
    }
}

impl Shape for ExponentialLR {
    fn lr(&self, base: f64, t: u64) -> f64 {
        base * power(self.gamma, t)
    }
}

/// From the base to `eta_min` along half a cosine of `t_max` steps, and back.
#[derive(Clone, Copy, Debug)]
pub struct CosineAnnealingLR {
    t_max: u64,
    eta_min: f64,
}

impl CosineAnnealingLR {
    /// With `eta_min` 0. A `t_max` of 0 counts as 1.
    pub fn new(t_max: u64) -> Self {
        Self { t_max: t_max.max(1), eta_min: 0.0 }
    }
    /// Sets the lowest rate.
    #[must_use]
    pub fn eta_min(mut self, eta_min: f64) -> Self {
        self.eta_min = eta_min;
        self
    }
}

impl Shape for CosineAnnealingLR {
    fn lr(&self, base: f64, t: u64) -> f64 {
        let cos = (PI * t as f64 / self.t_max as f64).cos();
        self.eta_min + (base - self.eta_min) * (1.0 + cos) / 2.0
    }
}

/// From `start_factor` to `end_factor` of the base over `total_iters` steps.
#[derive(Clone, Copy, Debug)]
pub struct LinearLR {
    start: f64,
    end: f64,
    total: u64,
}

impl LinearLR {
    /// PyTorch's defaults are 1/3, 1 and 5.
    pub fn new(start_factor: f64, end_factor: f64, total_iters: u64) -> Self {
        Self { start: start_factor, end: end_factor, total: total_iters }
    }
}

impl Shape for LinearLR {
    fn lr(&self, base: f64, t: u64) -> f64 {
        if t >= self.total {
            return base * self.end;
        }
        base * (self.start + (self.end - self.start) * t as f64 / self.total as f64)
    }
}

/// One cycle (Smith and Topin): up to `max_lr`, then down to almost nothing, the momentum the other way.
#[derive(Clone, Copy, Debug)]
pub struct OneCycleLR {
    max_lr: f64,
    total_steps: u64,
    pct_start: f64,
    linear: bool,
    momentum: Option<(f64, f64)>,
    div_factor: f64,
    final_div_factor: f64,
    three_phase: bool,
}

impl OneCycleLR {
    /// With PyTorch's defaults. The optimizer's own rate does not matter.
    pub fn new(max_lr: f64, total_steps: u64) -> Self {
        Self {
            max_lr,
            total_steps,
            pct_start: 0.3,
            linear: false,
            momentum: Some((0.85, 0.95)),
            div_factor: 25.0,
            final_div_factor: 1e4,
            three_phase: false,
        }
    }
    /// The part of the cycle in which the rate rises.
    #[must_use]
    pub fn pct_start(mut self, pct_start: f64) -> Self {
        self.pct_start = pct_start;
        self
    }
    /// Straight lines instead of cosines.
    #[must_use]
    pub fn linear(mut self) -> Self {
        self.linear = true;
        self
    }
    /// The lowest and highest momentum.
    #[must_use]
    pub fn momentum_range(mut self, base: f64, max: f64) -> Self {
        self.momentum = Some((base, max));
        self
    }
    /// Leaves the momentum alone.
    #[must_use]
    pub fn fixed_momentum(mut self) -> Self {
        self.momentum = None;
        self
    }
    /// The first rate is `max_lr` divided by this.
    #[must_use]
    pub fn div_factor(mut self, div_factor: f64) -> Self {
        self.div_factor = div_factor;
        self
    }
    /// The last rate is the first divided by this.
    #[must_use]
    pub fn final_div_factor(mut self, final_div_factor: f64) -> Self {
        self.final_div_factor = final_div_factor;
        self
    }
    /// Down to the first rate as slowly as up, and only then to the last.
    #[must_use]
    pub fn three_phase(mut self) -> Self {
        self.three_phase = true;
        self
    }

    /// The value at `t` of a curve through the corners of the phases; `t` beyond the end stays there.
    fn curve(&self, t: u64, corners: [f64; 4]) -> f64 {
        let total = self.total_steps as f64;
        let peak = self.pct_start * total - 1.0;
        let ends = if self.three_phase { [peak, 2.0 * peak, total - 1.0] } else { [peak, total - 1.0, total - 1.0] };
        let t = (t as f64).min(total - 1.0);
        let (mut start, last) = (0.0, if self.three_phase { 2 } else { 1 });
        for (i, end) in ends.into_iter().enumerate().take(last + 1) {
            if t <= end || i == last {
                let pct = if end > start { (t - start) / (end - start) } else { 1.0 };
                let (from, to) = (corners[i], corners[i + 1]);
                return match self.linear {
                    true => (to - from) * pct + from,
                    false => to + (from - to) / 2.0 * (1.0 + (PI * pct).cos()),
                };
            }
            start = end;
        }
        corners[last + 1]
    }
}

impl Shape for OneCycleLR {
    fn lr(&self, _: f64, t: u64) -> f64 {
        let first = self.max_lr / self.div_factor;
        let last = first / self.final_div_factor;
        self.curve(t, [first, self.max_lr, if self.three_phase { first } else { last }, last])
    }
    fn momentum(&self, t: u64) -> Option<f64> {
        let (low, high) = self.momentum?;
        Some(self.curve(t, [high, low, high, high]))
    }
}

/// Any factor of the base, as a function of the step.
#[derive(Clone, Copy, Debug)]
pub struct LambdaLR<F> {
    factor: F,
}

impl<F: Fn(u64) -> f64> LambdaLR<F> {
    /// With this function.
    pub fn new(factor: F) -> Self {
        Self { factor }
    }
}

impl<F: Fn(u64) -> f64> Shape for LambdaLR<F> {
    fn lr(&self, base: f64, t: u64) -> f64 {
        base * (self.factor)(t)
    }
}

/// A factor for [`LambdaLR`]: a straight line up for `warmup` steps, then half a cosine to `floor`.
pub fn warmup_cosine(warmup: u64, total: u64, floor: f64) -> impl Fn(u64) -> f64 + Clone {
    move |t| {
        if t < warmup {
            return (t + 1) as f64 / warmup as f64;
        }
        let p = ((t - warmup) as f64 / total.saturating_sub(warmup).max(1) as f64).min(1.0);
        floor + (1.0 - floor) * (1.0 + (PI * p).cos()) / 2.0
    }
}

/// A factor for [`LambdaLR`]: that of "Attention Is All You Need", for a base of 1.
pub fn inverse_sqrt(d_model: usize, warmup: u64) -> impl Fn(u64) -> f64 + Clone {
    move |t| {
        let s = (t + 1) as f64;
        (d_model as f64).powf(-0.5) * s.powf(-0.5).min(s * (warmup.max(1) as f64).powf(-1.5))
    }
}

fn power(x: f64, n: u64) -> f64 {
    x.powi(i32::try_from(n).unwrap_or(i32::MAX))
}

/// Less when a metric has stopped getting better.
#[derive(Clone, Copy, Debug)]
pub struct ReduceLROnPlateau {
    max: bool,
    factor: f64,
    patience: u64,
    threshold: f64,
    absolute: bool,
    cooldown: u64,
    min_lr: f64,
    eps: f64,
    best: f64,
    bad: u64,
    cooling: u64,
}

impl ReduceLROnPlateau {
    /// For a metric that should fall, with PyTorch's defaults: a tenth after 10 steps without a
    /// relative gain of 1e-4.
    pub fn new() -> Self {
        Self {
            max: false,
            factor: 0.1,
            patience: 10,
            threshold: 1e-4,
            absolute: false,
            cooldown: 0,
            min_lr: 0.0,
            eps: 1e-8,
            best: f64::INFINITY,
            bad: 0,
            cooling: 0,
        }
    }
    /// For a metric that should rise.
    #[must_use]
    pub fn maximize(mut self) -> Self {
        (self.max, self.best) = (true, f64::NEG_INFINITY);
        self
    }
    /// What the rate is multiplied with.
    #[must_use]
    pub fn factor(mut self, factor: f64) -> Self {
        self.factor = factor;
        self
    }
    /// How many steps without a gain are let pass.
    #[must_use]
    pub fn patience(mut self, patience: u64) -> Self {
        self.patience = patience;
        self
    }
    /// The relative gain that counts.
    #[must_use]
    pub fn threshold(mut self, threshold: f64) -> Self {
        (self.threshold, self.absolute) = (threshold, false);
        self
    }
    /// The absolute gain that counts.
    #[must_use]
    pub fn absolute_threshold(mut self, threshold: f64) -> Self {
        (self.threshold, self.absolute) = (threshold, true);
        self
    }
    /// How many steps after a cut are not counted.
    #[must_use]
    pub fn cooldown(mut self, cooldown: u64) -> Self {
        self.cooldown = cooldown;
        self
    }
    /// The lowest rate.
    #[must_use]
    pub fn min_lr(mut self, min_lr: f64) -> Self {
        self.min_lr = min_lr;
        self
    }

    /// Looks at the metric and cuts the optimizer's rate if it is time.
    pub fn step(&mut self, metric: f64, optimizer: &mut impl Optimizer) {
        if self.better(metric) {
            (self.best, self.bad) = (metric, 0);
        } else {
            self.bad += 1;
        }
        if self.cooling > 0 {
            self.cooling -= 1;
            self.bad = 0;
        }
        if self.bad > self.patience {
            let lr = optimizer.lr();
            let next = (lr * self.factor).max(self.min_lr);
            if lr - next > self.eps {
                optimizer.set_lr(next);
            }
            (self.cooling, self.bad) = (self.cooldown, 0);
        }
    }

    fn better(&self, metric: f64) -> bool {
        let margin = match (self.absolute, self.max) {
            (true, _) => self.threshold,
            // Written like this, an infinite best stays infinite.
            (false, true) => return metric > self.best * (1.0 + self.threshold),
            (false, false) => return metric < self.best * (1.0 - self.threshold),
        };
        if self.max { metric > self.best + margin } else { metric < self.best - margin }
    }
}

impl Default for ReduceLROnPlateau {
    fn default() -> Self {
        Self::new()
    }
}

impl ScheduleState for ReduceLROnPlateau {
    fn state(&self) -> Vec<f64> {
        vec![self.best, self.bad as f64, self.cooling as f64]
    }
    fn set_state(&mut self, state: &[f64]) -> bool {
        let [best, bad, cooling] = *state else { return false };
        (self.best, self.bad, self.cooling) = (best, bad as u64, cooling as u64);
        true
    }
}
