//! An optimizer that consists of a rule and its settings.

use std::any::Any;
use std::sync::atomic::AtomicBool;

use super::clip::{Clip, Norm};
use super::formula;
use super::group::{Group, Grouped, Pattern};
use super::history::History;
use super::pending::{Made, Pending};
use super::rule::{Rule, within};
use crate::{OptimizerProblem, Result};

/// An optimizer: a rule, and the state that all rules share.
pub struct Optim<R> {
    pub(super) rule: R,
    pub(super) lr: f64,
    /// The rate from which schedules start.
    pub(super) initial_lr: Option<f64>,
    pub(super) groups: Vec<Grouped<R>>,
    pub(super) clip: Clip,
    /// The number of steps.
    pub(super) t: u64,
    /// The steps of each trained parameter, in the order of their places.
    pub(super) histories: Vec<History>,
    /// The parameters that the current step changes.
    pub(super) reached: Vec<bool>,
    /// A schedule does not fit, or has ended.
    pub(super) refused: Vec<(u64, OptimizerProblem)>,
    /// The steps that may have failed.
    pub(super) pending: Pending,
    /// A step was interrupted while it changed the moments.
    pub(super) poisoned: AtomicBool,
    /// A `Bound<D>`: the device's type is known only from the network.
    pub(super) bound: Option<Box<dyn Any + Send + Sync>>,
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

    /// The rule, with the settings of the parameters that are in no group.
    pub fn rule(&self) -> &R {
        &self.rule
    }

    /// Changes the rule's settings.
    #[must_use]
    pub fn with_rule(mut self, change: impl FnOnce(&mut R)) -> Self {
        change(&mut self.rule);
        self
    }

    /// Other settings for some parameters, by name: a full name, a prefix such as `"head.*"`, or a predicate. The group
    /// starts from the optimizer's settings so far. If groups overlap, the last one wins.
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

    /// Scales the gradients down to this norm, over all trained parameters that have one, before each update:
    /// `torch.nn.utils.clip_grad_norm_`. The gradients in the network are unchanged.
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

    /// Clamps the gradients to -value..value before each update (after [`clip_norm`](Self::clip_norm)):
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

    /// The number of steps. On asynchronous devices, a step without effect because of an index out of range is included
    /// until its failure is known.
    pub fn steps(&self) -> u64 {
        self.t - self.pending.failed()
    }

    /// The optimizer's rule, then those of its groups.
    pub(super) fn rules(&self) -> impl Iterator<Item = &R> + Clone {
        std::iter::once(&self.rule).chain(self.groups.iter().map(|g| &g.rule))
    }

    /// The steps that were made, as far as is known.
    pub(super) fn made(&self) -> Made {
        match self.pending.failed() {
            0 => Made {
                t: self.t,
                histories: self.histories.clone(),
            },
            _ => self.pending.made(self.rules().copied()),
        }
    }

    /// Checks the settings of all groups.
    pub(super) fn check(&self) -> Result<()> {
        if let Some((_, problem)) = self.refused.first() {
            return Err(Self::error(problem.clone()));
        }
        for (lr, rule) in std::iter::once((self.lr, &self.rule))
            .chain(self.groups.iter().map(|g| (g.lr, &g.rule)))
        {
            within("the learning rate", lr, 0.0..).map_err(Self::error)?;
            rule.check().map_err(Self::error)?;
        }
        self.clip.check().map_err(Self::error)
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
