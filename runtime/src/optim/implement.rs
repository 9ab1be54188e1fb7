//! The implementation of [`Optimizer`] for an optimizer with a rule.

use super::saved::OptimizerState;
use super::{Optim, Optimizer, Rates, Rule};
use crate::{Core, Device, OptimizerProblem, Plan, Result};

impl<R: Rule> Optimizer for Optim<R> {
    fn apply<D: Device>(&mut self, core: &mut Core<D>) -> Result<()> {
        self.prepare(core, None)?;
        core.update(self)
    }
    fn prepare<D: Device>(
        &mut self,
        core: &mut Core<D>,
        function: Option<&'static Plan>,
    ) -> Result<()> {
        self.prepare_step(core, function)
    }
    fn key<D: Device>(&self) -> u64 {
        (self.bound::<D>()).map_or(0, |bound| bound.calls.key(&self.clip))
    }
    unsafe fn update<D: Device>(&self, device: &D) {
        self.make_calls(device);
    }
    fn commit<D: Device>(&mut self, device: &D, run: u64) {
        self.count(device, run);
    }
    fn undone(&mut self) {
        *self.poisoned.get_mut() = false;
    }
    fn name(&self) -> &'static str {
        R::NAME
    }
    fn lr(&self) -> f64 {
        self.lr
    }
    fn set_lr(&mut self, lr: f64) {
        self.lr = lr;
        for group in &mut self.groups {
            group.lr = group.in_proportion(lr);
        }
    }
    fn current_momentum(&self) -> f64 {
        self.group_momentum(0)
    }
    fn set_momentum(&mut self, momentum: f64) {
        self.rule.set_momentum(momentum);
        for group in &mut self.groups {
            group.rule.set_momentum(momentum);
        }
    }
    fn state<D: Device>(&self, core: &Core<D>) -> Result<OptimizerState> {
        self.save_state(core)
    }
    fn set_state<D: Device>(&mut self, core: &Core<D>, state: &OptimizerState) -> Result<()> {
        self.load_state(core, state)
    }
}

impl<R: Rule> Rates for Optim<R> {
    fn groups(&self) -> usize {
        1 + self.groups.len()
    }
    fn group_lr(&self, group: usize) -> f64 {
        let own = group.checked_sub(1).and_then(|g| self.groups.get(g));
        own.map_or(self.lr, |g| g.lr)
    }
    fn set_group_lr(&mut self, group: usize, lr: f64) {
        match group.checked_sub(1) {
            None => self.lr = lr,
            Some(g) => {
                if let Some(g) = self.groups.get_mut(g) {
                    g.lr = lr;
                }
            }
        }
    }
    fn group_momentum(&self, group: usize) -> f64 {
        let momentum = self.rules().nth(group).and_then(Rule::momentum);
        momentum.unwrap_or(0.0)
    }
    fn set_group_momentum(&mut self, group: usize, momentum: f64) {
        let groups = self.groups.iter_mut().map(|g| &mut g.rule);
        let mut rules = std::iter::once(&mut self.rule).chain(groups);
        if let Some(rule) = rules.nth(group) {
            rule.set_momentum(momentum);
        }
    }
    fn initial_lr(&self, group: usize) -> Option<f64> {
        match group.checked_sub(1) {
            None => self.initial_lr,
            Some(g) => self.groups.get(g).and_then(|g| g.initial_lr),
        }
    }
    fn set_initial_lr(&mut self, group: usize, lr: f64) {
        match group.checked_sub(1) {
            None => self.initial_lr = Some(lr),
            Some(g) => {
                if let Some(g) = self.groups.get_mut(g) {
                    g.initial_lr = Some(lr);
                }
            }
        }
    }
    fn has_momentum(&self) -> bool {
        self.rule.momentum().is_some()
    }
    fn refuse(&mut self, schedule: u64, problem: OptimizerProblem) {
        self.accept(Some(schedule));
        self.refused.push((schedule, problem));
    }
    fn accept(&mut self, schedule: Option<u64>) {
        self.refused
            .retain(|(by, _)| schedule.is_some_and(|s| s != *by));
    }
}
