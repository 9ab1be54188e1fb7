//! Steps that may turn out to have changed nothing: on a device that runs on its own, a run that met an
//! index out of range updates nothing, and the host learns of it later. Steps and their runs go in; what
//! the optimizer counts comes out, without those that are known to have failed.

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

/// The steps.
pub(super) struct Unsure {
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
    /// Asks the device whether a run was good.
    known: Box<dyn Fn(u64) -> Option<bool> + Send + Sync>,
}

impl Unsure {
    /// No steps yet, of parameters with these rules.
    pub(super) fn new<D: Device>(device: &D, made: Made, rules: Box<[usize]>) -> Self {
        let device = device.clone();
        Self {
            made,
            steps: Vec::new(),
            momenta: Vec::new(),
            sets: Vec::new(),
            rules,
            known: Box::new(move |run| device.known(run)),
        }
    }

    /// How many of them are known to have failed.
    pub(super) fn failed(&self) -> u64 {
        let failed = self.steps.iter().filter(|step| self.is_failed(step.run));
        failed.count() as u64
    }

    fn is_failed(&self, run: u64) -> bool {
        (self.known)(run) == Some(false)
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

    /// Forgets the steps whose verdict is known, from the first on.
    pub(super) fn settle<R: Rule>(&mut self, rules: impl Iterator<Item = R> + Clone) {
        let width = rules.clone().count();
        let mut sure = 0;
        for (step, momenta) in self.steps.iter().zip(self.momenta.chunks_exact(width)) {
            match (self.known)(step.run) {
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
