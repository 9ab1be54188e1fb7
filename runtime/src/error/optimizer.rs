//! Reasons why an optimizer does not make a step.

use std::ops::Bound;

use super::text::{self, did_you_mean, listed};

/// The reason why an optimizer does not make a step, or does not take a state.
#[derive(Clone, Debug, PartialEq, thiserror::Error)]
#[non_exhaustive]
pub enum OptimizerProblem {
    /// A setting of the optimizer or of a schedule lies outside its range.
    #[error("{setting} must be {}, but it is {value}", wanted(range, *value))]
    Setting {
        /// The setting: `eps`, `StepLR's gamma`.
        setting: &'static str,
        /// The range. The value must be finite, too.
        range: (Bound<f64>, Bound<f64>),
        /// The value.
        value: f64,
    },
    /// Nesterov's momentum needs a momentum and no dampening.
    #[error(
        "Nesterov's momentum needs momentum above 0 and dampening 0, but they are {momentum} and {dampening}"
    )]
    Nesterov {
        /// The momentum.
        momentum: f64,
        /// The dampening.
        dampening: f64,
    },
    /// The limit of gradient clipping is NaN, or below 0.
    #[error("{setting} must be at least 0, but it is {value}")]
    Clip {
        /// `the norm to clip to` or `the value to clip to`.
        setting: &'static str,
        /// The value.
        value: f64,
    },
    /// The order of the norm to clip to is NaN.
    #[error("the order of the norm must be a number, but it is NaN")]
    NormOrder,
    /// The norm of the gradients is not finite.
    #[error("the norm of the gradients must be a finite number, but it is {norm}")]
    Norm {
        /// The norm.
        norm: f64,
    },
    /// A list of a schedule's settings does not have one value for each parameter group.
    #[error(
        "{setting} has {} for {}, the optimizer's own among them",
        counted(*values, "value"), counted(*groups, "group")
    )]
    GroupValues {
        /// The setting: `CyclicLR's base_lr`.
        setting: &'static str,
        /// The number of its values.
        values: usize,
        /// The number of groups.
        groups: usize,
    },
    /// A schedule sets a momentum that the optimizer does not have.
    #[error(
        "{schedule} sets a momentum or first beta, which this optimizer does not have: \
         call `fixed_momentum()` on the schedule"
    )]
    NoMomentum {
        /// The schedule.
        schedule: &'static str,
    },
    /// A schedule has ended.
    #[error("{schedule} has total_steps {total_steps}, but it was stepped {steps} times")]
    Ended {
        /// The schedule.
        schedule: &'static str,
        /// Its length.
        total_steps: u64,
        /// The steps.
        steps: u64,
    },
    /// The milestones of a `SequentialLR` decrease.
    #[error("SequentialLR's milestones must not decrease, but they are {milestones:?}")]
    Milestones {
        /// The milestones.
        milestones: Vec<u64>,
    },
    /// A parameter group is empty: its name is misspelt.
    #[error(
        "no parameter of {network} belongs to the group `{pattern}`{}",
        did_you_mean(near)
    )]
    EmptyGroup {
        /// The network.
        network: &'static str,
        /// The group's pattern.
        pattern: String,
        /// A parameter with a similar name.
        near: Option<&'static str>,
    },
    /// The optimizer is bound to another network since its first step.
    #[error("already bound to another network than this {network}")]
    OtherNetwork {
        /// The network of the current step.
        network: &'static str,
    },
    /// A step was interrupted.
    #[error(
        "a step was broken off, which has changed some of the moments; load them from the last checkpoint \
         (`Checkpoint::optimizer`), or make a new optimizer"
    )]
    Poisoned,
    /// A saved state is of another optimizer, network or settings. The error lists all differences.
    #[error("the saved state does not fit:{}", listed(problems))]
    State {
        /// The differences.
        problems: Vec<StateProblem>,
    },
    /// A rule takes a moment that it does not keep.
    #[error("the formula takes moment {moment}, which is not kept")]
    UnknownMoment {
        /// The moment's number.
        moment: usize,
    },
    /// A rule takes a moment twice.
    #[error("the formula takes moment {moment} twice")]
    MomentTwice {
        /// The moment's number.
        moment: usize,
    },
    /// A rule has not called `Update::with`.
    #[error("the step has no formula")]
    NoFormula,
    /// The message of a custom rule or curve: `text.into()` converts a text to it.
    #[error("{what}")]
    Custom {
        /// The text.
        what: String,
    },
}

/// A mismatch of an optimizer's saved state.
#[derive(Clone, Debug, PartialEq, thiserror::Error)]
#[non_exhaustive]
pub enum StateProblem {
    /// It belongs to another optimizer.
    #[error("it is {name}'s")]
    OtherOptimizer {
        /// The name of that optimizer.
        name: String,
    },
    /// It has more steps than floats can count.
    #[error("it has taken {steps} steps, more than 2^53")]
    Steps {
        /// The steps.
        steps: u64,
    },
    /// It has a different number of parameter groups.
    #[error(
        "it has {}, but the optimizer has {}",
        counted(*found, "parameter group"), none_or(*wanted)
    )]
    Groups {
        /// Its number of groups.
        found: usize,
        /// The optimizer's number of groups.
        wanted: usize,
    },
    /// It has steps of a parameter that does not exist, or that is frozen.
    #[error("steps of `{parameter}`: no such trained parameter")]
    UnknownSteps {
        /// The parameter.
        parameter: String,
    },
    /// It has an unknown moment.
    #[error("unexpected moment `{moment}`")]
    UnknownMoment {
        /// The moment.
        moment: String,
    },
    /// It has a moment of a parameter that does not exist, or that is frozen.
    #[error("`{moment}` of `{parameter}`: no such trained parameter")]
    UnknownParameter {
        /// The moment.
        moment: String,
        /// The parameter.
        parameter: String,
    },
    /// A moment does not have its parameter's shape.
    #[error("`{moment}` of `{parameter}` has shape {found:?}, not {wanted:?}")]
    Shape {
        /// The moment.
        moment: String,
        /// The parameter.
        parameter: String,
        /// The moment's shape.
        found: Vec<usize>,
        /// The parameter's shape.
        wanted: &'static [usize],
    },
    /// A moment does not hold floats.
    #[error("`{moment}` of `{parameter}` holds {found}")]
    Type {
        /// The moment.
        moment: String,
        /// The parameter.
        parameter: String,
        /// The type of its elements.
        found: &'static str,
    },
    /// It was saved with another value of a setting that determines the moments.
    #[error("it was saved with `{setting}({found})`, but the optimizer has `{setting}({})`", !found)]
    Setting {
        /// The setting.
        setting: &'static str,
        /// Its value in the state.
        found: bool,
    },
    /// A moment of a parameter is missing.
    #[error("`{moment}` of `{parameter}` is missing")]
    Missing {
        /// The moment.
        moment: &'static str,
        /// The parameter.
        parameter: &'static str,
    },
}

impl From<String> for OptimizerProblem {
    fn from(what: String) -> Self {
        Self::Custom { what }
    }
}

impl From<&str> for OptimizerProblem {
    fn from(what: &str) -> Self {
        Self::Custom { what: what.into() }
    }
}

/// `at least 0 and below 1`.
fn wanted((least, most): &(Bound<f64>, Bound<f64>), value: f64) -> String {
    let least = match least {
        Bound::Included(a) => Some(format!("at least {a}")),
        Bound::Excluded(a) => Some(format!("above {a}")),
        Bound::Unbounded => None,
    };
    let most = match most {
        Bound::Included(b) => Some(format!("at most {b}")),
        Bound::Excluded(b) => Some(format!("below {b}")),
        Bound::Unbounded => None,
    };
    match (least, most) {
        _ if !value.is_finite() => "a finite number".into(),
        (Some(least), Some(most)) => format!("{least} and {most}"),
        (least, most) => least.or(most).unwrap_or_default(),
    }
}

/// `1 value`, `2 values`, `no values`.
fn counted(n: usize, noun: &str) -> String {
    match n {
        0 => format!("no {noun}s"),
        n => text::counted(n, noun),
    }
}

/// `2`, `none`.
fn none_or(n: usize) -> String {
    match n {
        0 => "none".into(),
        n => n.to_string(),
    }
}
