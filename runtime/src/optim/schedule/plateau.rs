//! The schedule that depends on a metric.

use super::scheduler::PLATEAU;
use super::{PerGroup, ScheduleState};
use crate::OptimizerProblem;
use crate::optim::Optimizer;
use crate::optim::rule::within;

/// Reduces the rate when a metric no longer improves.
#[derive(Clone, Debug)]
pub struct ReduceLROnPlateau {
    max: bool,
    factor: f64,
    patience: u64,
    threshold: f64,
    absolute: bool,
    cooldown: u64,
    min_lr: PerGroup,
    eps: f64,
    best: f64,
    bad: u64,
    cooling: u64,
}

impl ReduceLROnPlateau {
    /// For a metric that should fall, with PyTorch's defaults: a tenth of the rate after 10 steps without a relative
    /// improvement of 1e-4.
    pub fn new() -> Self {
        Self {
            max: false,
            factor: 0.1,
            patience: 10,
            threshold: 1e-4,
            absolute: false,
            cooldown: 0,
            min_lr: 0.0.into(),
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
    /// The factor of the rate.
    #[must_use]
    pub fn factor(mut self, factor: f64) -> Self {
        self.factor = factor;
        self
    }
    /// The number of steps without improvement before a reduction.
    #[must_use]
    pub fn patience(mut self, patience: u64) -> Self {
        self.patience = patience;
        self
    }
    /// The minimum relative improvement.
    #[must_use]
    pub fn threshold(mut self, threshold: f64) -> Self {
        (self.threshold, self.absolute) = (threshold, false);
        self
    }
    /// The minimum absolute improvement.
    #[must_use]
    pub fn absolute_threshold(mut self, threshold: f64) -> Self {
        (self.threshold, self.absolute) = (threshold, true);
        self
    }
    /// The number of steps after a reduction that are not counted.
    #[must_use]
    pub fn cooldown(mut self, cooldown: u64) -> Self {
        self.cooldown = cooldown;
        self
    }
    /// The lowest rate.
    #[must_use]
    pub fn min_lr(mut self, min_lr: impl Into<PerGroup>) -> Self {
        self.min_lr = min_lr.into();
        self
    }
    /// The minimum reduction (1e-8); smaller ones are not made.
    #[must_use]
    pub fn eps(mut self, eps: f64) -> Self {
        self.eps = eps;
        self
    }

    /// Compares the metric, and reduces the rates of the optimizer's groups if it is time.
    pub fn step(&mut self, metric: f64, optimizer: &mut impl Optimizer) {
        let groups = optimizer.groups();
        match self.check(groups) {
            Ok(()) => optimizer.accept(Some(PLATEAU)),
            Err(problem) => optimizer.refuse(PLATEAU, problem),
        }
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
            for g in 0..groups {
                let lr = optimizer.group_lr(g);
                let next = (lr * self.factor).max(self.min_lr.of(g));
                if lr - next > self.eps {
                    optimizer.set_group_lr(g, next);
                }
            }
            (self.cooling, self.bad) = (self.cooldown, 0);
        }
    }

    fn check(&self, groups: usize) -> Result<(), OptimizerProblem> {
        within("ReduceLROnPlateau's factor", self.factor, 0.0..1.0)?;
        within("ReduceLROnPlateau's threshold", self.threshold, ..)?;
        within("ReduceLROnPlateau's eps", self.eps, ..)?;
        self.min_lr.check("ReduceLROnPlateau's min_lr", groups)
    }

    fn better(&self, metric: f64) -> bool {
        let margin = match (self.absolute, self.max) {
            (true, _) => self.threshold,
            // In this form, an infinite best value stays infinite.
            (false, true) => return metric > self.best * (1.0 + self.threshold),
            (false, false) => return metric < self.best * (1.0 - self.threshold),
        };
        if self.max {
            metric > self.best + margin
        } else {
            metric < self.best - margin
        }
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
        let [best, bad, cooling] = *state else {
            return false;
        };
        if best.is_nan() || !super::step::is_count(bad) || !super::step::is_count(cooling) {
            return false;
        }
        (self.best, self.bad, self.cooling) = (best, bad as u64, cooling as u64);
        true
    }
}
