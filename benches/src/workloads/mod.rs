//! One workload per file: a network, its data, its step.

pub mod cnn;
pub mod gemm;
pub mod gpt;
pub mod mlp;
pub mod recurrent;
pub mod seq2seq;
pub mod tiny;
