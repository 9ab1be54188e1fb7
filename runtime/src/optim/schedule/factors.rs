//! The schedules with custom factors.

use std::f64::consts::PI;

use super::{At, Curve};

/// The base rate times a custom factor, a function of the step.
#[derive(Clone, Copy, Debug)]
pub struct LambdaLR<F> {
    factor: F,
}

impl LambdaLR<()> {
    /// With this function, for all groups.
    #[allow(clippy::new_ret_no_self)]
    pub fn new<F: Fn(u64) -> f64>(factor: F) -> LambdaLR<impl Fn(usize, u64) -> f64> {
        Self::by_group(move |_, t| factor(t))
    }
    /// With a function of the group's number and the step; PyTorch takes a list of functions. Group 0 is the optimizer
    /// itself.
    pub fn by_group<F: Fn(usize, u64) -> f64>(factor: F) -> LambdaLR<F> {
        LambdaLR { factor }
    }
}

impl<F: Fn(usize, u64) -> f64> Curve for LambdaLR<F> {
    fn lr(&self, base: f64, t: u64) -> f64 {
        base * (self.factor)(0, t)
    }
    fn next(&self, at: &At) -> f64 {
        at.base * (self.factor)(at.group, at.t)
    }
    fn jump(&self, at: &At) -> f64 {
        self.next(at)
    }
}

/// The current rate times a custom factor, a function of the step.
#[derive(Clone, Copy, Debug)]
pub struct MultiplicativeLR<F> {
    factor: F,
}

impl MultiplicativeLR<()> {
    /// With this function, for all groups. It is called from step 1 on.
    #[allow(clippy::new_ret_no_self)]
    pub fn new<F: Fn(u64) -> f64>(factor: F) -> MultiplicativeLR<impl Fn(usize, u64) -> f64> {
        Self::by_group(move |_, t| factor(t))
    }
    /// With a function of the group's number and the step.
    pub fn by_group<F: Fn(usize, u64) -> f64>(factor: F) -> MultiplicativeLR<F> {
        MultiplicativeLR { factor }
    }
}

impl<F: Fn(usize, u64) -> f64> Curve for MultiplicativeLR<F> {
    fn lr(&self, base: f64, t: u64) -> f64 {
        (1..=t).fold(base, |lr, t| lr * (self.factor)(0, t))
    }
    fn next(&self, at: &At) -> f64 {
        match at.initial {
            true => at.lr,
            false => at.lr * (self.factor)(at.group, at.t),
        }
    }
    fn jump(&self, at: &At) -> f64 {
        self.next(at)
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

/// A factor for [`LambdaLR`]: that of "Attention Is All You Need", for a base rate of 1.
pub fn inverse_sqrt(d_model: usize, warmup: u64) -> impl Fn(u64) -> f64 + Clone {
    move |t| {
        let s = (t + 1) as f64;
        (d_model as f64).powf(-0.5) * s.powf(-0.5).min(s * (warmup.max(1) as f64).powf(-1.5))
    }
}
