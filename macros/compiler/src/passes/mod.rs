//! The passes, in the order in which the pipeline runs them. Each is a value in, a value out;
//! each says in its module what holds after it.

pub mod fold;
pub mod fuse;
pub mod inline;
pub mod memory;
pub mod placement;
pub mod reach;
pub mod schedule;
pub mod simplify;
pub mod trim;
pub mod verify;
