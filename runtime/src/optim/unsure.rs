//! Steps that may turn out to have changed nothing: on a device that runs on its own, a run that met an
//! index out of range updates nothing, and the host learns of it later. Steps and their runs go in; what
//! the optimizer counts comes out, without those that are known to have failed.

use super::Rule;
use crate::Device;

/// What the optimizer counts.
#[derive(Clone, Debug, Default)]
pub(super) struct Made {
    /// Steps.
    pub(super) t: u64,
    /// The scalar that each rule carries from step to step: the optimizer's, then the groups'.
    pub(super) carried: Vec<f64>,
}

impl Made {
    /// One more step, of rules with these momenta.
    fn advance<R: Rule>(&mut self, rules: impl Iterator<Item = R>, momenta: &[f64]) {
        self.t += 1;
        for ((mut rule, carried), momentum) in rules.zip(&mut self.carried).zip(momenta) {
            rule.set_momentum(*momentum);
            rule.set_carried(*carried);
            rule.advance(self.t);
            *carried = rule.carried();
        }
    }
}

/// The steps.
pub(super) struct Unsure {
    /// Before them.
    made: Made,
    /// The device's numbers of their runs, in order.
    runs: Vec<u64>,
    /// The momenta of all rules in each of them.
    momenta: Vec<f64>,
    /// Asks the device whether a run was good.
    known: Box<dyn Fn(u64) -> Option<bool> + Send + Sync>,
}

impl Unsure {
    pub(super) fn new<D: Device>(device: &D, made: Made) -> Self {
        let device = device.clone();
        Self {
            made,
            runs: Vec::new(),
            momenta: Vec::new(),
            known: Box::new(move |run| device.known(run)),
        }
    }

    /// How many of them are known to have failed.
    pub(super) fn failed(&self) -> u64 {
        let failed = self.runs.iter().filter(|run| self.is_failed(**run));
        failed.count() as u64
    }

    fn is_failed(&self, run: u64) -> bool {
        (self.known)(run) == Some(false)
    }

    /// A step was asked for, in this run.
    pub(super) fn push<R: Rule>(&mut self, run: u64, rules: impl Iterator<Item = R>) {
        self.runs.push(run);
        self.momenta.extend(rules.map(|rule| rule.momentum()));
    }

    /// What was made, if those are good that are not known to have failed.
    pub(super) fn made<R: Rule>(&self, rules: impl Iterator<Item = R> + Clone) -> Made {
        let mut made = self.made.clone();
        let momenta = self.momenta.chunks_exact(made.carried.len());
        for (run, momenta) in self.runs.iter().zip(momenta) {
            if !self.is_failed(*run) {
                made.advance(rules.clone(), momenta);
            }
        }
        made
    }

    /// Forgets those of whose runs enough is known.
    pub(super) fn settle<R: Rule>(&mut self, rules: impl Iterator<Item = R> + Clone) {
        let width = self.made.carried.len();
        let mut sure = 0;
        for (run, momenta) in self.runs.iter().zip(self.momenta.chunks_exact(width)) {
            match (self.known)(*run) {
                Some(true) => self.made.advance(rules.clone(), momenta),
                Some(false) => {}
                None => break,
            }
            sure += 1;
        }
        self.runs.drain(..sure);
        self.momenta.drain(..sure * width);
    }
}
