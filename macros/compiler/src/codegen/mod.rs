//! Code generation: from planned graphs to Rust. It cannot fail and is deterministic.
//!
//! The struct is outside; everything else is in one unnamed constant, so that no name escapes: statics that describe
//! the network and its plans, one zero-size type per distinct map, one function of runtime calls per plan, and the
//! methods.

mod custom;
pub mod dims;
pub mod emit;
mod graph;
mod locals;
mod map;
mod names;
mod network;
mod plan;
mod site;
mod state;
mod steps;
mod weights;

pub use network::{network, skeleton};
