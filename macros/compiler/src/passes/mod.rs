//! The passes, in the order in which the pipeline runs them. Each is a value in, a value out;
//! each says in its module what holds after it.

pub mod autodiff;
pub mod fold;
pub mod fuse;
pub mod homes;
pub mod inline;
pub mod memory;
pub mod reach;
pub mod schedule;
pub mod simplify;
pub mod strides;
pub mod trim;
pub mod verify;
