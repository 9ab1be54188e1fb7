//! The schedules that are functions of the step: in go the base rate and a step, out comes its rate.

use std::f64::consts::PI;

use super::Curve;

/// `gamma` times as much every `step_size` steps.
#[derive(Clone, Copy, Debug)]
pub struct StepLR {
    step_size: u64,
    gamma: f64,
}

impl StepLR {
    /// With `gamma` 0.1. A `step_size` of 0 counts as 1.
    pub fn new(step_size: u64) -> Self {
        Self {
            step_size: step_size.max(1),
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
}

impl Curve for MultiStepLR {
    fn lr(&self, base: f64, t: u64) -> f64 {
        base * power(
            self.gamma,
            self.milestones.iter().filter(|&&m| m <= t).count() as u64,
        )
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

impl Curve for ExponentialLR {
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
        Self {
            t_max: t_max.max(1),
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
        Self {
            start: start_factor,
            end: end_factor,
            total: total_iters,
        }
    }
}

impl Curve for LinearLR {
    fn lr(&self, base: f64, t: u64) -> f64 {
        if t >= self.total {
            return base * self.end;
        }
        base * (self.start + (self.end - self.start) * t as f64 / self.total as f64)
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

impl<F: Fn(u64) -> f64> Curve for LambdaLR<F> {
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
