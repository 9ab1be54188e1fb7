//! Optimizers and learning-rate schedules, with PyTorch's semantics and defaults.
//!
//! An optimizer is a [`Rule`] (the formula and its settings) in an [`Optim`], which owns the common parts: the rate,
//! parameter groups, clipping, and the moments, flat device buffers that are bound to a network at its first step. A
//! step changes the parameters that have a gradient, as in PyTorch: those that the last `_backward`, and later
//! accumulating functions, reach. It is one fused elementwise map over each run of parameters with the same settings
//! and the same number of steps. So it is vectorised, parallel and deterministic on every device whose maps are.
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
mod by_rule;
mod calls;
pub(crate) mod clip;
mod formula;
mod group;
mod history;
mod implement;
mod means;
mod nadam;
mod optimizer;
mod pending;
mod radam;
mod rates;
mod rms_prop;
mod rule;
mod saved;
pub mod schedule;
mod segment;
mod settings;
mod sgd;
mod state;
mod step;

pub use crate::formula::Real;
pub use adadelta::Adadelta;
pub use adagrad::Adagrad;
pub use adam::{Adam, AdamW};
pub use adamax::Adamax;
pub use by_rule::Optim;
pub use clip::Norm;
pub use formula::{Chosen, StepFormula, Update};
pub use group::{Group, Pattern};
pub use nadam::NAdam;
pub use optimizer::Optimizer;
pub use radam::RAdam;
pub use rates::Rates;
pub use rms_prop::RmsProp;
pub use rule::{Now, Rule};
pub use saved::{GroupState, OptimizerState, ParamState};
pub use sgd::Sgd;
