//! A step of any rule on any device: prepared, so that an error changes nothing; made as calls of the device; and
//! counted.

use std::sync::atomic::Ordering;

use super::bound::Bound;
use super::clip::Order;
use super::history::History;
use super::{Optim, Rule};
use crate::{Core, Device, Error, OptimizerProblem, Plan, Result};

impl<R: Rule> Optim<R> {
    pub(super) fn error(problem: OptimizerProblem) -> Error {
        Error::Optimizer {
            optimizer: R::NAME,
            problem,
        }
    }

    pub(super) fn bound<D: Device>(&self) -> Option<&Bound<D>> {
        self.bound.as_ref()?.downcast_ref()
    }

    /// Fails if the moments are poisoned.
    pub(super) fn sound(&self) -> Result<()> {
        if self.poisoned.load(Ordering::Relaxed) {
            return Err(Self::error(OptimizerProblem::Poisoned));
        }
        Ok(())
    }

    /// Checks the settings, and binds the optimizer to a network at its first step.
    fn bind<D: Device>(&mut self, core: &Core<D>) -> Result<()> {
        self.check()?;
        core.sound()?;
        self.sound()?;
        if core.grads().is_none() {
            return Err(Error::NoGradients {
                network: core.spec().name,
            });
        }
        if self.bound.is_none() {
            let bound = Bound::new::<R>(core, &self.groups)?;
            self.histories = vec![History::new::<R>(); bound.params.len()];
            self.bound = Some(Box::new(bound));
        }
        if !self.bound::<D>().is_some_and(|b| b.is_of(core)) {
            let network = core.spec().name;
            return Err(Self::error(OptimizerProblem::OtherNetwork { network }));
        }
        Ok(())
    }

    /// Takes over the results of finished steps.
    fn settle(&mut self) {
        if self.pending.is_empty() {
            return;
        }
        if self.pending.failed() > 0 {
            let made = self.pending.made(self.rules().copied());
            (self.t, self.histories) = (made.t, made.histories);
        }
        let rules = std::iter::once(&self.rule).chain(self.groups.iter().map(|g| &g.rule));
        self.pending.settle(rules.copied());
    }

    /// Asks the rules for the calls of a step, and writes their scalars to the device.
    pub(super) fn prepare_step<D: Device>(
        &mut self,
        core: &mut Core<D>,
        function: Option<&'static Plan>,
    ) -> Result<()> {
        self.bind(core)?;
        self.settle();
        let bound = (self.bound.as_mut()).and_then(|b| b.downcast_mut::<Bound<D>>());
        let Some(bound) = bound else { return Ok(()) };
        let rules = std::iter::once(&self.rule).chain(self.groups.iter().map(|g| &g.rule));
        bound.make_moments(core, rules)?;
        let has = match function {
            Some(function) => core.reached_by(function),
            None => core.reach(),
        };
        let has = |k: usize| has.get(k).is_some_and(|has| *has);
        self.reached.clear();
        (self.reached).extend(bound.params.iter().map(|p| has(p.index)));
        let settings = |group: Option<usize>| match group.and_then(|g| self.groups.get(g)) {
            Some(group) => (&group.rule, group.lr),
            None => (&self.rule, self.lr),
        };
        bound.gather(&self.reached, &self.histories, |group| *settings(group).0);
        let asked = bound.ask(core, settings, self.clip.limit());
        asked.map_err(Self::error)?;
        let (Bound { calls, params, .. }, device) = (bound, core.device());
        if let (Some((max, norm)), Some(grads)) = (self.clip.norm, core.grads()) {
            let at = |offset: usize| D::addr(grads).wrapping_add(offset * size_of::<D::Float>());
            let moved = params.iter().zip(&self.reached).filter(|p| *p.1);
            let pieces = moved.map(|(p, _)| (at(p.offset).expose_provenance(), p.len));
            calls.measure(device, (max, Order::of(norm)), pieces)?;
        }
        calls.write(device)
    }

    /// Makes the calls of the prepared step.
    pub(super) fn make_calls<D: Device>(&self, device: &D) {
        let Some(bound) = self.bound::<D>() else {
            return;
        };
        crate::core::poisoned_until_done(device, &self.poisoned, || {
            // SAFETY: `prepare` has taken the addresses from the network's buffers, to which the caller has exclusive
            // access by `&mut`, and from the moments.
            unsafe { bound.calls.run(device, &self.clip) };
        });
    }

    /// Counts the prepared step, in this run of the device, which has succeeded.
    pub(super) fn count<D: Device>(&mut self, device: &D, run: u64) {
        *self.poisoned.get_mut() = false;
        let Self {
            rule,
            groups,
            pending,
            ..
        } = self;
        let Some(bound) = (self.bound.as_mut()).and_then(|b| b.downcast_mut::<Bound<D>>()) else {
            return;
        };
        if run != 0 || !pending.is_empty() {
            if pending.is_empty() {
                let of = |g: Option<usize>| g.map_or(0, |g| g + 1);
                let rules = bound.params.iter().map(|p| of(p.group));
                pending.begin(device, (self.t, &self.histories), rules);
            }
            let rules = std::iter::once(&*rule).chain(groups.iter().map(|g| &g.rule));
            pending.push(run, rules.copied(), &self.reached);
        }
        self.t += 1;
        std::mem::swap(&mut self.histories, &mut bound.next);
    }
}
