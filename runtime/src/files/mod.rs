//! Files: parameters in safetensors, and checkpoints of a whole training run.
//!
//! Everything is written to a temporary file in the same folder, synced and renamed: whatever
//! happens, the name holds the old file or the new one. Everything is checked before anything
//! changes in memory, and what does not fit is listed whole.

mod atomic;
mod checkpoint;
pub mod safetensors;
mod unmatched;

pub use checkpoint::{Checkpoint, CheckpointWriter};
pub use unmatched::Unmatched;
