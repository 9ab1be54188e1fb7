//! The CUDA device of the generated program.

use std::sync::OnceLock;

use netform::Cuda;

use crate::place::EMULATOR;
use crate::tensors::Failure;

/// One device for all cases: a GPU if there is one, or the emulator that replaces its driver. `REQUIRE_CUDA=1` makes a
/// missing GPU a failure.
pub fn cuda() -> Result<Cuda, Failure> {
    static DEVICE: OnceLock<Cuda> = OnceLock::new();
    if let Some(device) = DEVICE.get() {
        return Ok(device.clone());
    }
    if std::env::var_os("REQUIRE_CUDA").is_none_or(|v| v == "0") {
        let library = std::env::var_os(EMULATOR).unwrap_or_default();
        netform::__private::open_driver_or(std::path::Path::new(&library));
    }
    let device = Cuda::new(0)?;
    Ok(DEVICE.get_or_init(|| device).clone())
}
