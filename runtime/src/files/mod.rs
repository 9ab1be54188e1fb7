//! Files: parameters in safetensors, and checkpoints of a whole training run.
//!
//! Everything is written to a temporary file in the same folder, synced and renamed: whatever
//! happens, the name holds the old file or the new one. The mode of the old file stays, a symbolic link is
//! followed, and the temporary files of processes that were killed are removed by the first save of a later process in
//! their folder. Everything is checked before anything changes in memory, and what does not fit is listed whole.

mod atomic;
mod checkpoint;
mod elements;
mod header;
pub mod safetensors;
mod schema;
mod seal;
mod unmatched;

pub use checkpoint::{Checkpoint, CheckpointWriter};
pub use unmatched::Unmatched;
