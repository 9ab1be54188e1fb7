//! Steps that may turn out to have changed nothing: a device that goes on when a call has returned updates
//! nothing in a run that met an index out of range, and the host learns of it when it waits. Steps and their runs go
//! in; what the optimizer counts comes out, without those that are known to have failed.

use super::Rule;
use super::history::History;
use crate::Device;

/// What the optimizer counts.
#[derive(Clone, Debug, Default)]
pub(super) struct Made {
    /// Steps.
    pub(super) t: u64,
    /// Those of each trained parameter.
    pub(super) histories: Vec<History>,
}

/// A pending step.
struct Step {
    /// The device's number of its run.
    run: u64,
    /// Which of the sets of parameters it moves.
    set: usize,
}

/// Asks the device whether a run was good.
type Known = Box<dyn Fn(u64) -> Option<bool> + Send + Sync>;

/// The steps. There are none where every run has finished when it returns.
#[derive(Default)]
pub(super) struct Pending {
    /// Before them.
    made: Made,
    /// In order.
    steps: Vec<Step>,
    /// The momenta of all rules in each of them.
    momenta: Vec<f64>,
    /// The sets of parameters that steps have moved, each once.
    sets: Vec<Box<[bool]>>,
    /// The number of each parameter's rule.
    rules: Box<[usize]>,
    known: Option<Known>,
}

impl Pending {
    /// Whether all that is counted is sure.
    pub(super) fn is_empty(&self) -> bool {
        self.steps.is_empty()
    }

    /// What was made before the first, by parameters with these rules: needed while there is none.
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

    /// How many of them are known to have failed.
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

    /// A step was asked for, in this run, of the parameters that are `reached`.
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

    /// What was made, if those are good that are not known to have failed.
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

    /// Forgets the steps whose outcome is known, from the first on.
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

/// One more step, of the parameters in `set`, of rules with these momenta.
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
