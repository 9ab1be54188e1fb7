//! The kinds of nodes that one kernel computes, a file each; a file holds all that the compiler knows of its kind.

pub mod arg_reduce;
pub mod attention;
pub mod bernoulli;
pub mod checked;
pub mod concat;
pub mod conv;
pub mod cum_prod;
pub mod cum_sum;
pub mod custom;
pub mod flip;
pub mod gather;
pub mod gather_grad;
pub mod log_sum_exp;
pub mod pad;
pub mod put;
pub mod softmax;
pub mod take;
pub mod take_grad;
pub mod window_arg_max;

/// The placement of windows on images, for convolutions and pools.
pub mod windows;
