//! One workload a file: a network, its data, its step.

pub mod mlp;
pub mod tiny;
