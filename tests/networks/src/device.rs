//! The CUDA device of the tests: a GPU if there is one, or the emulator that replaces its driver. `REQUIRE_CUDA=1`
//! makes a missing GPU a failure.

use std::path::PathBuf;
use std::sync::OnceLock;

use netform::Cuda;

/// Whether a GPU is required instead of the emulator.
pub fn required() -> bool {
    std::env::var_os("REQUIRE_CUDA").is_some_and(|v| v != "0")
}

/// The emulator's library, which Cargo builds beside the tests.
pub fn emulator() -> PathBuf {
    let exe = std::env::current_exe().expect("the test's own path");
    let emulator = exe.with_file_name("libnetform_ptx_emulator.so");
    assert!(emulator.exists(), "{} is not built", emulator.display());
    emulator
}

/// A separate device, with its own stream and graphs.
pub fn own() -> Cuda {
    if !required() {
        netform::__private::open_driver_or(&emulator());
    }
    Cuda::new(0).unwrap_or_else(|e| panic!("{e}"))
}

/// The device that tests share: kernels are loaded once.
pub fn cuda() -> Cuda {
    static DEVICE: OnceLock<Cuda> = OnceLock::new();
    DEVICE.get_or_init(own).clone()
}
