//! Shared parts of the tests of whole networks: values, comparisons, finite differences, comparison of devices, the
//! CUDA device or its emulator.

pub mod close;
#[cfg(feature = "cuda")]
pub mod device;
pub mod finite;
pub mod near;
pub mod results;
pub mod same;
pub mod values;

use std::path::Path;

/// The repository's folder.
pub fn root() -> &'static Path {
    let own = Path::new(env!("CARGO_MANIFEST_DIR"));
    own.ancestors().nth(2).unwrap_or(own)
}
