//! The passes, in the order of the pipeline. Each takes a value and returns a value; its module states what holds after
//! it.

pub mod cluster;
pub mod fold;
pub mod fuse;
pub mod inline;
pub mod memory;
pub mod placement;
pub mod reach;
pub mod schedule;
pub mod separate;
pub mod simplify;
pub mod trim;
pub mod verify;
