//! The schedules with one formula: takes the current rate and the step, and gives the next rate.

use std::f64::consts::PI;
use std::ops::Bound;

use super::{At, Curve};
use crate::OptimizerProblem;
use crate::optim::Rates;
use crate::optim::rule::within;

/// Multiplies the rate by `gamma` every `step_size` steps.
#[derive(Clone, Copy, Debug)]
pub struct StepLR {
    step_size: u64,
    gamma: f64,
}

impl StepLR {
    /// With `gamma` 0.1. The `step_size` is at least 1.
    pub fn new(step_size: u64) -> Self {
        Self {
            step_size,
            gamma: 0.1,
        }
    }
    /// Sets the factor.
    #[must_use]
    pub fn gamma(mut self, gamma: f64) -> Self {
        self.gamma = gamma;
        self
    }
}

impl Curve for StepLR {
    fn lr(&self, base: f64, t: u64) -> f64 {
        base * power(self.gamma, t / self.step_size.max(1))
    }
    fn next(&self, at: &At) -> f64 {
        match at.t == 0 || !at.t.is_multiple_of(self.step_size) {
            true => at.lr,
            false => at.lr * self.gamma,
        }
    }
    fn begin(&mut self, _: &mut dyn Rates, _: Option<u64>) -> Result<(), OptimizerProblem> {
        within("StepLR's step_size", self.step_size as f64, 1.0..)?;
        within("StepLR's gamma", self.gamma, ..)
    }
}

/// Multiplies the rate by `gamma` at each milestone; twice if it is given twice.
#[derive(Clone, Debug)]
pub struct MultiStepLR {
    milestones: Vec<u64>,
    gamma: f64,
}

impl MultiStepLR {
    /// With `gamma` 0.1.
    pub fn new(milestones: impl Into<Vec<u64>>) -> Self {
        Self {
            milestones: milestones.into(),
            gamma: 0.1,
        }
    }
    /// Sets the factor.
    #[must_use]
    pub fn gamma(mut self, gamma: f64) -> Self {
        self.gamma = gamma;
        self
    }
    fn count(&self, is: impl Fn(u64) -> bool) -> u64 {
        self.milestones.iter().filter(|m| is(**m)).count() as u64
    }
}

impl Curve for MultiStepLR {
    fn lr(&self, base: f64, t: u64) -> f64 {
        base * power(self.gamma, self.count(|m| m <= t))
    }
    fn next(&self, at: &At) -> f64 {
        at.lr * power(self.gamma, self.count(|m| m == at.t))
    }
    fn begin(&mut self, _: &mut dyn Rates, _: Option<u64>) -> Result<(), OptimizerProblem> {
        within("MultiStepLR's gamma", self.gamma, ..)
    }
}

/// `factor` times the base rate for `total_iters` steps, then the base rate.
#[derive(Clone, Copy, Debug)]
pub struct ConstantLR {
    factor: f64,
    total: u64,
}

impl ConstantLR {
    /// The factor is from 0 to 1. PyTorch's defaults are 1/3 and 5.
    pub fn new(factor: f64, total_iters: u64) -> Self {
        Self {
            factor,
            total: total_iters,
        }
    }
}

impl Default for ConstantLR {
    fn default() -> Self {
        Self::new(1.0 / 3.0, 5)
    }
}

impl Curve for ConstantLR {
    fn lr(&self, base: f64, t: u64) -> f64 {
        let rest = if t >= self.total {
            1.0 - self.factor
        } else {
            0.0
        };
        base * (self.factor + rest)
    }
    fn next(&self, at: &At) -> f64 {
        match at.t {
            0 => at.lr * self.factor,
            t if t == self.total => at.lr * (1.0 / self.factor),
            _ => at.lr,
        }
    }
    fn begin(&mut self, _: &mut dyn Rates, _: Option<u64>) -> Result<(), OptimizerProblem> {
        within("ConstantLR's factor", self.factor, 0.0..=1.0)
    }
}

/// From `start_factor` to `end_factor` times the base rate over `total_iters` steps.
#[derive(Clone, Copy, Debug)]
pub struct LinearLR {
    start: f64,
    end: f64,
    total: u64,
}

impl LinearLR {
    /// Factors are at most 1, the first above 0. PyTorch's defaults are 1/3, 1 and 5.
    pub fn new(start_factor: f64, end_factor: f64, total_iters: u64) -> Self {
        Self {
            start: start_factor,
            end: end_factor,
            total: total_iters,
        }
    }
}

impl Default for LinearLR {
    fn default() -> Self {
        Self::new(1.0 / 3.0, 1.0, 5)
    }
}

impl Curve for LinearLR {
    fn lr(&self, base: f64, t: u64) -> f64 {
        let part = t.min(self.total) as f64 / self.total.max(1) as f64;
        base * (self.start + (self.end - self.start) * part)
    }
    fn next(&self, at: &At) -> f64 {
        if at.t == 0 {
            return at.lr * self.start;
        }
        if at.initial || at.t > self.total {
            return at.lr;
        }
        let rise = self.end - self.start;
        let before = self.total as f64 * self.start + (at.t - 1) as f64 * rise;
        at.lr * (1.0 + rise / before)
    }
    fn begin(&mut self, _: &mut dyn Rates, _: Option<u64>) -> Result<(), OptimizerProblem> {
        let part = (Bound::Excluded(0.0), Bound::Included(1.0));
        within("LinearLR's start_factor", self.start, part)?;
        within("LinearLR's end_factor", self.end, 0.0..=1.0)
    }
}

/// Multiplies the rate by `gamma` every step.
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

impl Curve for ExponentialLR {
    fn lr(&self, base: f64, t: u64) -> f64 {
        base * power(self.gamma, t)
    }
    fn next(&self, at: &At) -> f64 {
        if at.initial {
            at.lr
        } else {
            at.lr * self.gamma
        }
    }
    fn begin(&mut self, _: &mut dyn Rates, _: Option<u64>) -> Result<(), OptimizerProblem> {
        within("ExponentialLR's gamma", self.gamma, ..)
    }
}

/// From the base rate to 0 over `total_iters` steps, as a power of the remaining fraction.
#[derive(Clone, Copy, Debug)]
pub struct PolynomialLR {
    total: u64,
    power: f64,
}

impl PolynomialLR {
    /// With `power` 1, a straight line. PyTorch's default is 5 steps; the minimum is 1.
    pub fn new(total_iters: u64) -> Self {
        Self {
            total: total_iters,
            power: 1.0,
        }
    }
    /// Sets the power.
    #[must_use]
    pub fn power(mut self, power: f64) -> Self {
        self.power = power;
        self
    }
}

impl Default for PolynomialLR {
    fn default() -> Self {
        Self::new(5)
    }
}

impl Curve for PolynomialLR {
    fn lr(&self, base: f64, t: u64) -> f64 {
        base * (1.0 - t.min(self.total) as f64 / self.total.max(1) as f64).powf(self.power)
    }
    fn next(&self, at: &At) -> f64 {
        if at.initial || at.t > self.total {
            return at.lr;
        }
        let (t, total) = (at.t as f64, self.total as f64);
        at.lr * ((1.0 - t / total) / (1.0 - (t - 1.0) / total)).powf(self.power)
    }
    fn begin(&mut self, _: &mut dyn Rates, _: Option<u64>) -> Result<(), OptimizerProblem> {
        within("PolynomialLR's total_iters", self.total as f64, 1.0..)?;
        within("PolynomialLR's power", self.power, 0.0..)
    }
}

/// From the base rate to `eta_min` along half a cosine of `t_max` steps, and back.
#[derive(Clone, Copy, Debug)]
pub struct CosineAnnealingLR {
    t_max: u64,
    eta_min: f64,
}

impl CosineAnnealingLR {
    /// With `eta_min` 0. The `t_max` is at least 1.
    pub fn new(t_max: u64) -> Self {
        Self {
            t_max,
            eta_min: 0.0,
        }
    }
    /// Sets the lowest rate.
    #[must_use]
    pub fn eta_min(mut self, eta_min: f64) -> Self {
        self.eta_min = eta_min;
        self
    }
}

impl Curve for CosineAnnealingLR {
    fn lr(&self, base: f64, t: u64) -> f64 {
        let cos = (PI * t as f64 / self.t_max.max(1) as f64).cos();
        self.eta_min + (base - self.eta_min) * (1.0 + cos) / 2.0
    }
    fn next(&self, at: &At) -> f64 {
        let (t, t_max) = (at.t as f64, self.t_max.max(1) as f64);
        if at.initial {
            return at.lr;
        }
        if at.calls == 1 && at.t > 0 {
            return self.lr(at.base, at.t);
        }
        // Just after the lowest rate, where the quotient below would be 0 / 0.
        if (at.t + self.t_max)
            .checked_sub(1)
            .is_some_and(|t| t.is_multiple_of(2 * self.t_max))
        {
            return at.lr + (at.base - self.eta_min) * (1.0 - (PI / t_max).cos()) / 2.0;
        }
        (1.0 + (PI * t / t_max).cos()) / (1.0 + (PI * (t - 1.0) / t_max).cos())
            * (at.lr - self.eta_min)
            + self.eta_min
    }
    fn begin(&mut self, _: &mut dyn Rates, _: Option<u64>) -> Result<(), OptimizerProblem> {
        within("CosineAnnealingLR's t_max", self.t_max as f64, 1.0..)?;
        within("CosineAnnealingLR's eta_min", self.eta_min, ..)
    }
}

fn power(x: f64, n: u64) -> f64 {
    x.powi(i32::try_from(n).unwrap_or(i32::MAX))
}
