//! Optimizers and learning-rate schedules, with PyTorch's semantics and defaults.
//!
//! An optimizer is a [`Rule`] (the formula and its settings) in an [`Optim`], which owns what all
//! of them share: the rate, parameter groups, clipping, and the moments, flat device buffers bound to
//! a network at its first step. A step moves the parameters that have a gradient, as PyTorch's does: those
//! that the last `_backward`, and what was accumulated after it, reach. It is one fused elementwise map over each run of
//! parameters with the same settings and the same number of steps, so it is vectorised, parallel and
//! deterministic wherever maps are.
//!
//! ```
//! use netform_runtime::optim::{AdamW, Optimizer, Sgd};
//! let sgd = Sgd::new(0.01).momentum(0.9).nesterov(true);
//! let adam = AdamW::new(1e-3).clip_norm(1.0).group("head.*", |g| g.lr(1e-2).weight_decay(0.0));
//! assert_eq!(adam.lr(), 1e-3);
//! ```

mod adadelta;
mod adagrad;
mod adam;
mod adamax;
mod bound;
pub(crate) mod clip;
mod group;
mod history;
mod later;
mod nadam;
mod radam;
mod rates;
mod rms_prop;
mod rule;
pub mod schedule;
mod sgd;
mod state;
mod unsure;

use std::any::Any;
use std::cell::RefCell;

use bound::{Bound, Segment};
use clip::{Clip, Order};
use group::Grouped;
use history::History;
use later::{Later, Part};
use rule::{Scalars, within};
use unsure::{Made, Unsure};

use crate::{Core, Device, Error, Network, Result};

pub use adadelta::Adadelta;
pub use adagrad::Adagrad;
pub use adam::{Adam, AdamW};
pub use adamax::Adamax;
pub use clip::Norm;
pub use group::{Group, Pattern};
pub use nadam::NAdam;
pub use radam::RAdam;
pub use rates::Rates;
pub use rms_prop::RmsProp;
pub use rule::{Now, Place, Rule};
pub use sgd::Sgd;
pub use state::{GroupState, OptimizerState, ParamState};

/// What training loops and schedules need of an optimizer.
pub trait Optimizer: Rates {
    /// Updates the parameters that have a gradient: those that the last `_backward` reached, or an
    /// `_accumulate` after it. The others stay as they are, whatever momentum or weight decay would do.
    fn step<N: Network>(&mut self, net: &mut N) -> Result<()> {
        self.apply(net.core_mut())
    }
    /// The same for a network's core. After an error nothing has changed.
    fn apply<D: Device>(&mut self, core: &mut Core<D>) -> Result<()>;
    /// All of a step but its calls of the device, for devices that repeat runs as a whole; returns what
    /// tells the step's calls from those of others.
    fn prepare<D: Device>(&mut self, core: &mut Core<D>) -> Result<u64>;
    /// The calls of a step that was prepared.
    fn update<D: Device>(&self, device: &D);
    /// A step that was prepared is under way in the device's run of this number; it counts unless the
    /// run turns out to have failed. `None`: it was given up.
    fn ran(&mut self, run: Option<u64>);
    /// PyTorch's name of the optimizer.
    fn name(&self) -> &'static str;
    /// The learning rate.
    fn lr(&self) -> f64;
    /// Sets the learning rate; groups with a rate of their own change in proportion.
    fn set_lr(&mut self, lr: f64);
    /// The momentum in force, or Adam's first beta; 0 where there is none. (`momentum` is the setting.)
    fn current_momentum(&self) -> f64;
    /// Sets the momentum (Adam's first beta), in all groups; nothing where there is none.
    fn set_momentum(&mut self, momentum: f64);
    /// Everything that changes over time, for a checkpoint.
    fn state<D: Device>(&self, core: &Core<D>) -> Result<OptimizerState>;
    /// Continues from a saved state, bound to this network. What does not fit is listed; after an
    /// error nothing has changed.
    fn set_state<D: Device>(&mut self, core: &Core<D>, state: &OptimizerState) -> Result<()>;
}

/// An optimizer: a rule, and what all rules share.
pub struct Optim<R> {
    rule: R,
    lr: f64,
    /// That from which schedules start.
    initial_lr: Option<f64>,
    groups: Vec<Grouped<R>>,
    clip: Clip,
    /// Steps taken.
    t: u64,
    /// The steps of each trained parameter, by the order of places.
    histories: Vec<History>,
    /// Which of them the step at hand moves.
    reached: Vec<bool>,
    /// A schedule does not fit, or has ended.
    refused: Vec<(u64, String)>,
    /// Which of them may have failed, on devices that run on their own.
    unsure: Option<Unsure>,
    /// A `Bound<D>`: the device's type is known only from the network.
    bound: Option<Box<dyn Any + Send + Sync>>,
}

impl<R: Rule> Optim<R> {
    fn from_rule(lr: f64, rule: R) -> Self {
        Self {
            rule,
            lr,
            initial_lr: None,
            groups: Vec::new(),
            clip: Clip::default(),
            t: 0,
            histories: Vec::new(),
            reached: Vec::new(),
            refused: Vec::new(),
            unsure: None,
            bound: None,
        }
    }

    /// Other settings for some parameters, by name: a full name, a prefix such as `"head.*"`, or a
    /// predicate. The group starts from the optimizer's settings so far; where groups overlap
    /// the last one counts.
    #[must_use]
    pub fn group(
        mut self,
        pattern: impl Pattern,
        settings: impl FnOnce(Group<R>) -> Group<R>,
    ) -> Self {
        let Group { lr, rule } = settings(Group {
            lr: None,
            rule: self.rule,
        });
        self.groups.push(Grouped {
            pattern: Box::new(pattern),
            own: lr,
            base: self.lr,
            lr: lr.unwrap_or(self.lr),
            initial_lr: None,
            rule,
        });
        (self.bound, self.unsure) = (None, None);
        self
    }

    /// Scales the gradients down to this norm, over all trained parameters that have one, before each
    /// update: `torch.nn.utils.clip_grad_norm_`. The network's own gradients stay as they are.
    #[must_use]
    pub fn clip_norm(mut self, max_norm: f64) -> Self {
        self.clip.norm = Some((max_norm, Norm::L2));
        self
    }

    /// The same for the largest absolute value.
    #[must_use]
    pub fn clip_norm_inf(mut self, max_norm: f64) -> Self {
        self.clip.norm = Some((max_norm, Norm::Inf));
        self
    }

    /// The same for a norm of any order, PyTorch's `norm_type`.
    #[must_use]
    pub fn clip_norm_type(mut self, max_norm: f64, norm: Norm) -> Self {
        self.clip.norm = Some((max_norm, norm));
        self
    }

    /// Cuts the gradients to -value..value before each update (after [`clip_norm`](Self::clip_norm)):
    /// `torch.nn.utils.clip_grad_value_`.
    #[must_use]
    pub fn clip_value(mut self, value: f64) -> Self {
        self.clip.value = Some(value);
        self
    }

    /// The learning rate.
    pub fn lr(&self) -> f64 {
        self.lr
    }

    /// Steps taken. On devices that run on their own, a step that an index out of range has made void
    /// counts until that is known.
    pub fn steps(&self) -> u64 {
        self.t - self.unsure.as_ref().map_or(0, Unsure::failed)
    }

    /// The optimizer's rule, then those of its groups.
    fn rules(&self) -> impl Iterator<Item = &R> + Clone {
        std::iter::once(&self.rule).chain(self.groups.iter().map(|g| &g.rule))
    }

    /// What was made, as far as is known.
    fn made(&self) -> Made {
        match &self.unsure {
            Some(unsure) if unsure.failed() > 0 => unsure.made(self.rules().copied()),
            _ => Made {
                t: self.t,
                histories: self.histories.clone(),
            },
        }
    }

    /// Takes back what is counted and was not made.
    fn recount(&mut self, made: Made) {
        (self.t, self.histories) = (made.t, made.histories);
    }

    /// Looks at what is known of the steps so far.
    fn settle(&mut self) {
        let Some(mut unsure) = self.unsure.take() else {
            return;
        };
        if unsure.failed() > 0 {
            self.recount(unsure.made(self.rules().copied()));
        }
        unsure.settle(self.rules().copied());
        self.unsure = Some(unsure);
    }

    /// The settings of all groups make sense.
    fn check(&self) -> Result<()> {
        let error = |what: String| Error::Optimizer {
            optimizer: R::NAME,
            what,
        };
        if let Some((_, what)) = self.refused.first() {
            return Err(error(what.clone()));
        }
        for (lr, rule) in std::iter::once((self.lr, &self.rule))
            .chain(self.groups.iter().map(|g| (g.lr, &g.rule)))
        {
            within("the learning rate", lr, 0.0..).map_err(error)?;
            rule.check().map_err(error)?;
        }
        self.clip.check().map_err(error)
    }
}

impl<R: Rule> Optim<R> {
    /// Checks the settings, and binds the optimizer to a network at its first step.
    fn bind<D: Device>(&mut self, core: &mut Core<D>) -> Result<()> {
        self.check()?;
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
            let what = format!(
                "already bound to another network than this {}",
                core.spec().name
            );
            return Err(Error::Optimizer {
                optimizer: R::NAME,
                what,
            });
        }
        Ok(())
    }

    fn bound<D: Device>(&self) -> Option<&Bound<D>> {
        self.bound.as_ref()?.downcast_ref()
    }

    fn bound_mut<D: Device>(&mut self) -> Option<&mut Bound<D>> {
        self.bound.as_mut()?.downcast_mut()
    }

    /// Begins a step: the moments are there, and it is known what the step moves.
    fn begin<D: Device>(&mut self, core: &Core<D>) -> Result<()> {
        if !D::HOST && self.unsure.is_none() {
            let params = self.bound::<D>().map_or(&[][..], |b| &b.params);
            let rules = params
                .iter()
                .map(|p| p.group.map_or(0, |g| g + 1))
                .collect();
            self.unsure = Some(Unsure::new(core.device(), self.made(), rules));
        }
        self.settle();
        let rules = std::iter::once(&self.rule).chain(self.groups.iter().map(|g| &g.rule));
        let bound = self
            .bound
            .as_mut()
            .and_then(|b| b.downcast_mut::<Bound<D>>());
        let Some(bound) = bound else { return Ok(()) };
        if !D::HOST && bound.later.is_none() {
            bound.later = Some(Later::new(core.device(), bound.params.len())?);
        }
        bound.make_moments(core, rules)?;
        let reached = bound.params.iter().map(|p| core.reach().has(p.index));
        self.reached.clear();
        self.reached.extend(reached);
        let rule_of = |group: Option<usize>| match group.and_then(|g| self.groups.get(g)) {
            Some(group) => group.rule,
            None => self.rule,
        };
        bound.gather(&self.reached, &self.histories, rule_of);
        let each = bound.params.iter().zip(&self.reached);
        for (history, (param, _)) in (self.histories.iter_mut().zip(each)).filter(|(_, (_, r))| **r)
        {
            *history = history.next(&rule_of(param.group));
        }
        self.t += 1;
        Ok(())
    }

    /// A segment's rule, and the scalars of this step.
    fn now(&self, segment: &Segment, scale: f64) -> (&R, Now) {
        let (lr, rule) = match segment.group.and_then(|g| self.groups.get(g)) {
            Some(group) => (group.lr, &group.rule),
            None => (self.lr, &self.rule),
        };
        let now = Now {
            lr,
            t: segment.after.t,
            carried: segment.after.carried,
            fresh: !segment.before.begun,
            scale: if rule.maximize() { -scale } else { scale },
            limit: self.clip.limit(),
        };
        (rule, now)
    }
}

impl<R: Rule> Optimizer for Optim<R> {
    fn apply<D: Device>(&mut self, core: &mut Core<D>) -> Result<()> {
        if !D::HOST {
            let id = self.prepare(core)?;
            let device = core.device().clone();
            let done = device.replay(core.key_of_step(id), 0, || self.update(&device));
            // It is as good as the run that left the gradients.
            self.ran(done.is_ok().then(|| core.grads_run()));
            return done.map(drop);
        }
        self.bind(core)?;
        let scale = self.clip.scale(core)?;
        self.begin(core)?;
        let Some(bound) = self.bound::<D>() else {
            return Ok(());
        };
        for segment in bound.segments() {
            let (rule, now) = self.now(segment, scale);
            if let Some(place) = bound.place(core, segment, Scalars::Now) {
                // SAFETY: the place lies inside the buffers of this network, which `&mut` keeps for us,
                // and the moments that the rule uses were made by `begin`.
                unsafe { rule.update(&place, &now) };
            }
        }
        Ok(())
    }
    fn prepare<D: Device>(&mut self, core: &mut Core<D>) -> Result<u64> {
        self.bind(core)?;
        self.begin(core)?;
        let Some(mut later) = self.bound_mut::<D>().and_then(|b| b.later.take()) else {
            return Ok(0);
        };
        let noted = RefCell::new(std::mem::take(&mut later.noted));
        later.parts.clear();
        if let Some(bound) = self.bound::<D>() {
            for segment in bound.segments() {
                let (rule, now) = self.now(segment, 1.0);
                if let Some(place) = bound.place(core, segment, Scalars::Noted(&noted)) {
                    // SAFETY: nothing runs.
                    unsafe { rule.update(&place, &now) };
                    later
                        .parts
                        .push(Part::new(segment, rule.maximize(), &place));
                }
            }
        }
        later.noted = noted.into_inner();
        if let (Some((_, norm)), Some(bound), Some(grads)) =
            (self.clip.norm, self.bound::<D>(), core.grads())
        {
            let moved = bound.params.iter().zip(&self.reached).filter(|p| *p.1);
            let at = |offset: usize| D::addr(grads).wrapping_add(offset * size_of::<D::Float>());
            let pieces = moved.map(|(p, _)| (at(p.offset).expose_provenance(), p.len));
            later.cut(Order::of(norm), pieces);
        }
        let id = later.write(core.device(), &self.clip, R::NAME);
        if let Some(bound) = self.bound_mut::<D>() {
            bound.later = Some(later);
        }
        if id.is_err() {
            self.ran(None);
        }
        id
    }
    fn ran(&mut self, run: Option<u64>) {
        let Some(mut unsure) = self.unsure.take() else {
            return;
        };
        match run {
            Some(run) => unsure.push(run, self.rules().copied(), &self.reached),
            None => self.recount(unsure.made(self.rules().copied())),
        }
        self.unsure = Some(unsure);
    }
    fn update<D: Device>(&self, device: &D) {
        let Some(later) = self.bound::<D>().and_then(|b| b.later.as_ref()) else {
            return;
        };
        later.clip(device, &self.clip);
        for (k, part) in later.parts.iter().enumerate() {
            let (rule, now) = self.now(&part.segment, 1.0);
            let place = part.place(device, later.scalars(k));
            // SAFETY: `prepare` has taken the addresses from the network's buffers, which its `&mut`
            // keeps for the caller, and from the moments.
            unsafe { rule.update(&place, &now) };
        }
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

impl<R: Rule + std::fmt::Debug> std::fmt::Debug for Optim<R> {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct(R::NAME)
            .field("lr", &self.lr)
            .field("rule", &self.rule)
            .field("steps", &self.steps())
            .finish()
    }
}
