//! The state of an optimizer in a checkpoint.

use crate::Tensor;

/// An optimizer's state in host memory.
#[derive(Clone, Debug, PartialEq)]
pub struct OptimizerState {
    /// PyTorch's name of the optimizer.
    pub name: String,
    /// The number of steps.
    pub t: u64,
    /// The learning rate.
    pub lr: f64,
    /// The optimizer's settings that change over time, and then those of each group.
    pub groups: Vec<GroupState>,
    /// The steps of each trained parameter. Empty in states of older versions, which had one count for all.
    pub params: Vec<ParamState>,
    /// PyTorch's name of a moment, a parameter's name, and the values.
    pub moments: Vec<(String, String, Tensor)>,
}

/// The settings of a group that change over time.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct GroupState {
    /// The rate; `None` in states of older versions, where it is in proportion to the optimizer's.
    pub lr: Option<f64>,
    /// The rate from which schedules start, if there was one.
    pub initial_lr: Option<f64>,
    /// The momentum.
    pub momentum: f64,
    /// The scalar that all parameters of the group carry; only in states of older versions.
    pub carried: Option<f64>,
}

/// The steps of one parameter.
#[derive(Clone, Debug, PartialEq)]
pub struct ParamState {
    /// The parameter's name.
    pub name: String,
    /// The number of steps.
    pub t: u64,
    /// A scalar that depends on all of them: NAdam's product.
    pub carried: f64,
    /// Its moments are in use.
    pub begun: bool,
}
