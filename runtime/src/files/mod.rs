//! Files: parameters in safetensors, and checkpoints of a whole training run.
//!
//! Every file is written to a temporary file in the same folder, synced and renamed: after a crash, the name has the
//! old file or the new one. The mode of the old file is kept and symbolic links are followed. The temporary files of
//! killed processes are removed by the first save of a later process in their folder. Everything is checked before
//! anything changes in memory, and all mismatches are listed.

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
