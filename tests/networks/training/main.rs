//! Training and inference as in programs: input, files, resuming, threads.

mod bad_input;
mod custom_device;
mod custom_optimizer;
mod gpt;
mod messages;
mod metrics;
mod reached;
mod resident;
mod resume;
mod threads;
