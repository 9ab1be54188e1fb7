//! Optimizers and learning-rate schedules, with PyTorch's semantics and defaults.
//!
//! An optimizer is a [`Rule`] (the formula and its settings) in an [`Optim`], which owns what all
//! of them share: the rate, parameter groups, clipping, and the moments, flat device buffers bound to
//! a network at its first step. A step is one fused elementwise map over each run of parameters
//! with the same settings, so it is vectorised, parallel and deterministic wherever maps are.
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
mod nadam;
mod radam;
mod rms_prop;
mod rule;
pub mod schedule;
mod sgd;
mod state;

use std::any::Any;

use bound::Bound;
use clip::Clip;
use group::Grouped;

use crate::{Core, Device, Error, Network, Result};

pub use adadelta::Adadelta;
pub use adagrad::Adagrad;
pub use adam::{Adam, AdamW};
pub use adamax::Adamax;
pub use clip::Norm;
pub use group::{Group, Pattern};
pub use nadam::NAdam;
pub use radam::RAdam;
pub use rms_prop::RmsProp;
pub use rule::{Now, Place, Rule};
pub use sgd::Sgd;
pub use state::OptimizerState;

/// What training loops and schedules need of an optimizer.
pub trait Optimizer {
    /// Updates the parameters from the gradients of the last `_backward`.
    fn step<N: Network>(&mut self, net: &mut N) -> Result<()> {
        self.apply(net.core_mut())
    }
    /// The same for a network's core. After an error nothing has changed.
    fn apply<D: Device>(&mut self, core: &mut Core<D>) -> Result<()>;
    /// PyTorch's name of the optimizer.
    fn name(&self) -> &'static str;
    /// The learning rate.
    fn lr(&self) -> f64;
    /// Sets the learning rate; groups with a rate of their own change in proportion.
    fn set_lr(&mut self, lr: f64);
    /// The momentum, or Adam's first beta.
    fn momentum(&self) -> f64;
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
    groups: Vec<Grouped<R>>,
    clip: Clip,
    /// Steps taken.
    t: u64,
    /// A `Bound<D>`: the device's type is known only from the network.
    bound: Option<Box<dyn Any + Send + Sync>>,
}

impl<R: Rule> Optim<R> {
    fn from_rule(lr: f64, rule: R) -> Self {
        Self {
            rule,
            lr,
            groups: Vec::new(),
            clip: Clip::default(),
            t: 0,
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
            lr,
            base: self.lr,
            rule,
        });
        self.bound = None;
        self
    }

    /// Scales the gradients down to this norm, over all trained parameters, before each update:
    /// `torch.nn.utils.clip_grad_norm_`. The network's own gradients stay as they are.
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

    /// Steps taken.
    pub fn steps(&self) -> u64 {
        self.t
    }

    /// The settings of all groups make sense.
    fn check(&self) -> Result<()> {
        let error = |what: String| Error::Optimizer {
            optimizer: R::NAME,
            what,
        };
        for (lr, rule) in std::iter::once((self.lr, &self.rule))
            .chain(self.groups.iter().map(|g| (g.lr(self.lr), &g.rule)))
        {
            if !(lr.is_finite() && lr >= 0.0) {
                return Err(error(format!("a learning rate of {lr}")));
            }
            rule.check().map_err(error)?;
        }
        self.clip.check().map_err(error)
    }
}

impl<R: Rule> Optimizer for Optim<R> {
    fn apply<D: Device>(&mut self, core: &mut Core<D>) -> Result<()> {
        self.check()?;
        if core.grads().is_none() {
            return Err(Error::NoGradients {
                network: core.spec().name,
            });
        }
        let rules = || std::iter::once(&self.rule).chain(self.groups.iter().map(|g| &g.rule));
        if self.bound.is_none() {
            self.bound = Some(Box::new(Bound::new::<R>(core, &self.groups)?));
        }
        let Some(bound) = self
            .bound
            .as_mut()
            .and_then(|b| b.downcast_mut::<Bound<D>>())
            .filter(|b| b.is_of(core))
        else {
            let what = format!(
                "already bound to another network than this {}",
                core.spec().name
            );
            return Err(Error::Optimizer {
                optimizer: R::NAME,
                what,
            });
        };
        let fresh = bound.make_moments(core, rules())?;
        let scale = self.clip.scale(core)?;
        self.t += 1;
        self.rule.advance(self.t);
        for group in &mut self.groups {
            group.rule.advance(self.t);
        }
        let now = |lr| Now {
            lr,
            t: self.t,
            fresh,
            scale,
            limit: self.clip.limit(),
        };
        for segment in bound.segments() {
            let (lr, rule) = match segment.group.and_then(|g| self.groups.get(g)) {
                Some(group) => (group.lr(self.lr), &group.rule),
                None => (self.lr, &self.rule),
            };
            if let Some(place) = bound.place(core, segment) {
                // SAFETY: the place lies inside the buffers of this network, which `&mut` keeps for us,
                // and the moments that the rule uses were made above.
                unsafe { rule.update(&place, &now(lr)) };
            }
        }
        Ok(())
    }
    fn name(&self) -> &'static str {
        R::NAME
    }
    fn lr(&self) -> f64 {
        self.lr
    }
    fn set_lr(&mut self, lr: f64) {
        self.lr = lr;
    }
    fn momentum(&self) -> f64 {
        self.rule.momentum()
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
            .field("steps", &self.t)
            .finish()
    }
}
