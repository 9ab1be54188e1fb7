//! Pending steps: an asynchronous device updates nothing in a run that met an index out of range, and the host only
//! knows that after waiting. Takes steps with their runs, and gives the optimizer's counts, without the steps that are
//! known to have failed.

use super::Rule;
use super::history::History;
use crate::Device;

/// The optimizer's counts.
#[derive(Clone, Debug, Default)]
pub(super) struct Made {
    /// The number of steps.
    pub(super) t: u64,
    /// The steps of each trained parameter.
    pub(super) histories: Vec<History>,
}

/// A pending step.
struct Step {
    /// The device's number of its run.
    run: u64,
    /// The number of the set of parameters that it changes.
    set: usize,
}

/// Asks the device whether a run succeeded.
type Known = Box<dyn Fn(u64) -> Option<bool> + Send + Sync>;

/// The pending steps. There are none if every run has finished when it returns.
#[derive(Default)]
pub(super) struct Pending {
    /// The counts before them.
    made: Made,
    /// In order.
    steps: Vec<Step>,
    /// The momenta of all rules in each step.
    momenta: Vec<f64>,
    /// The sets of parameters that steps have changed, each once.
    sets: Vec<Box<[bool]>>,
    /// The number of each parameter's rule.
    rules: Box<[usize]>,
    known: Option<Known>,
}

impl Pending {
    /// Whether no step is pending.
    pub(super) fn is_empty(&self) -> bool {
        self.steps.is_empty()
    }

    /// Sets the counts before the first pending step, with the rule of each parameter. Needed only if no step is
    /// pending.
    pub(super) fn begin<D: Device>(
        &mut self,
        device: &D,
        (t, histories): (u64, &Vec<History>),
        rules: impl Iterator<Item = usize>,
    ) {
        self.made.t = t;
        self.made.histories.clone_from(histories);
        if self.known.is_none() {
            let device = device.clone();
            self.known = Some(Box::new(move |run| device.known(run)));
            self.rules = rules.collect();
        }
    }

    /// The number of pending steps that are known to have failed.
    pub(super) fn failed(&self) -> u64 {
        let failed = self.steps.iter().filter(|step| self.is_failed(step.run));
        failed.count() as u64
    }

    fn known(&self, run: u64) -> Option<bool> {
        self.known.as_ref().map_or(Some(true), |known| known(run))
    }

    fn is_failed(&self, run: u64) -> bool {
        self.known(run) == Some(false)
    }

    /// Adds a step in this run, of the parameters that are `reached`.
    pub(super) fn push<R: Rule>(
        &mut self,
        run: u64,
        rules: impl Iterator<Item = R>,
        reached: &[bool],
    ) {
        let known = self.sets.iter().position(|set| **set == *reached);
        let set = known.unwrap_or_else(|| {
            self.sets.push(reached.into());
            self.sets.len() - 1
        });
        self.steps.push(Step { run, set });
        let momenta = rules.map(|rule| rule.momentum().unwrap_or(0.0));
        self.momenta.extend(momenta);
    }

    /// The counts, if every step that is not known to have failed succeeds.
    pub(super) fn made<R: Rule>(&self, rules: impl Iterator<Item = R> + Clone) -> Made {
        let mut made = self.made.clone();
        let width = rules.clone().count();
        for (step, momenta) in self.steps.iter().zip(self.momenta.chunks_exact(width)) {
            if !self.is_failed(step.run) {
                let set = &self.sets[step.set];
                advance(&mut made, set, &self.rules, rules.clone(), momenta);
            }
        }
        made
    }

    /// Removes the steps whose outcome is known, from the first on.
    pub(super) fn settle<R: Rule>(&mut self, rules: impl Iterator<Item = R> + Clone) {
        let width = rules.clone().count();
        let mut sure = 0;
        for (step, momenta) in self.steps.iter().zip(self.momenta.chunks_exact(width)) {
            match self.known(step.run) {
                Some(true) => {
                    let set = &self.sets[step.set];
                    advance(&mut self.made, set, &self.rules, rules.clone(), momenta);
                }
                Some(false) => {}
                None => break,
            }
            sure += 1;
        }
        self.steps.drain(..sure);
        self.momenta.drain(..sure * width);
    }
}

/// Adds one step, of the parameters in `set`, of rules with these momenta.
fn advance<R: Rule>(
    made: &mut Made,
    set: &[bool],
    rule_of: &[usize],
    rules: impl Iterator<Item = R>,
    momenta: &[f64],
) {
    made.t += 1;
    for (k, (mut rule, momentum)) in rules.zip(momenta).enumerate() {
        rule.set_momentum(*momentum);
        let own = made.histories.iter_mut().zip(set).zip(rule_of);
        for ((history, _), _) in own.filter(|((_, reached), of)| **reached && **of == k) {
            *history = history.next(&rule);
        }
    }
}
