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
mod calls;
pub(crate) mod clip;
mod formula;
mod group;
mod history;
mod nadam;
mod pending;
mod radam;
mod rates;
mod rms_prop;
mod rule;
pub mod schedule;
mod sgd;
mod state;
mod step;

use std::any::Any;
use std::sync::atomic::AtomicBool;

use clip::Clip;
use group::Grouped;
use history::History;
use pending::{Made, Pending};
use rule::within;

use crate::{Core, Device, Error, Network, Plan, Result};

pub use crate::Real;
pub use adadelta::Adadelta;
pub use adagrad::Adagrad;
pub use adam::{Adam, AdamW};
pub use adamax::Adamax;
pub use clip::Norm;
pub use formula::{Chosen, StepFormula, Update};
pub use group::{Group, Pattern};
pub use nadam::NAdam;
pub use radam::RAdam;
pub use rates::Rates;
pub use rms_prop::RmsProp;
pub use rule::{Now, Rule};
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
    /// All of a step but its calls of the device: of the parameters that a function reaches which runs with
    /// them, or else of those that have a gradient. Nothing has changed yet.
    fn prepare<D: Device>(
        &mut self,
        core: &mut Core<D>,
        function: Option<&'static Plan>,
    ) -> Result<()>;
    /// What tells the calls of the step that was prepared from those of others.
    fn key<D: Device>(&self) -> u64;
    /// Makes these calls.
    fn update<D: Device>(&self, device: &D);
    /// The step is under way in the device's run of this number: it counts, unless the run turns out to
    /// have failed.
    fn commit<D: Device>(&mut self, device: &D, run: u64);
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
    /// Which of the steps may have failed.
    pending: Pending,
    /// A step was broken off while it changed the moments.
    poisoned: AtomicBool,
    /// A `Bound<D>`: the device's type is known only from the network.
    bound: Option<Box<dyn Any + Send + Sync>>,
}

impl<R: Rule> Optim<R> {
    /// An optimizer of this rule, with a learning rate.
    pub fn from_rule(lr: f64, rule: R) -> Self {
        const {
            assert!(
                R::MOMENTS.len() <= formula::MOMENTS,
                "a rule has more than three moments"
            );
        }
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
            pending: Pending::default(),
            poisoned: AtomicBool::new(false),
            bound: None,
        }
    }

    /// The rule: its settings, of the parameters of no group.
    pub fn rule(&self) -> &R {
        &self.rule
    }

    /// Changes the rule's settings.
    #[must_use]
    pub fn with_rule(mut self, change: impl FnOnce(&mut R)) -> Self {
        change(&mut self.rule);
        self
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
        (self.bound, self.pending) = (None, Pending::default());
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

    /// Steps taken. On devices that go on when a call has returned, a step that an index out of range has made
    /// void counts until that is known.
    pub fn steps(&self) -> u64 {
        self.t - self.pending.failed()
    }

    /// The optimizer's rule, then those of its groups.
    fn rules(&self) -> impl Iterator<Item = &R> + Clone {
        std::iter::once(&self.rule).chain(self.groups.iter().map(|g| &g.rule))
    }

    /// What was made, as far as is known.
    fn made(&self) -> Made {
        match self.pending.failed() {
            0 => Made {
                t: self.t,
                histories: self.histories.clone(),
            },
            _ => self.pending.made(self.rules().copied()),
        }
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
    fn update<D: Device>(&self, device: &D) {
        self.make_calls(device);
    }
    fn commit<D: Device>(&mut self, device: &D, run: u64) {
        self.count(device, run);
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
