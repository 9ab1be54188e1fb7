//! Faults of a driver or a device: a clear error, and no data of the host is lost.
//!
//! Each case runs in a separate process: this program again, with settings of the emulator. The emulator is used even
//! if there is a GPU, since a GPU does not fail on demand.

mod cases;

use std::os::unix::fs::symlink;
use std::process::Command;

use crate::device::emulator;

/// The environment variable with the case of a process.
const CASE: &str = "NETFORM_TEST_FAULT";

/// Runs a case with these settings of the emulator; without any driver if there are none.
fn case(name: &str, settings: Option<&[(&str, &str)]>) {
    let drivers = tempfile::tempdir().unwrap();
    for file in ["libcuda.so.1", "libcuda.so"] {
        let path = drivers.path().join(file);
        match settings {
            Some(_) => symlink(emulator(), path).unwrap(),
            // The loader takes the first library that it finds, and this file is not one.
            None => std::fs::write(path, "no library").unwrap(),
        }
    }
    let mut paths = vec![drivers.path().to_owned()];
    if let Some(others) = std::env::var_os("LD_LIBRARY_PATH") {
        paths.extend(std::env::split_paths(&others));
    }
    let mut command = Command::new(std::env::current_exe().unwrap());
    command.args(["--exact", "faults::child", "--nocapture"]);
    command
        .env(CASE, name)
        .env("LD_LIBRARY_PATH", std::env::join_paths(paths).unwrap());
    for (name, value) in settings.unwrap_or_default() {
        command.env(format!("NETFORM_EMULATOR_{name}"), value);
    }
    let output = command.output().unwrap();
    assert!(
        output.status.success(),
        "{}{}",
        String::from_utf8_lossy(&output.stdout),
        String::from_utf8_lossy(&output.stderr)
    );
}

/// The process of a case; in any other process it does nothing.
#[test]
fn child() {
    if let Ok(name) = std::env::var(CASE) {
        cases::run(&name);
    }
}

macro_rules! cases {
    ($($name:ident $settings:expr;)*) => {$(
        #[test]
        fn $name() {
            case(stringify!($name), $settings);
        }
    )*};
}

cases! {
    no_driver None;
    no_device Some(&[("DEVICES", "0")]);
    a_driver_that_is_too_old Some(&[("DRIVER_VERSION", "11030")]);
    the_oldest_driver Some(&[("DRIVER_VERSION", "11040"), ("COMPUTE_CAPABILITY", "7.5")]);
    a_device_that_is_too_old Some(&[("COMPUTE_CAPABILITY", "7.0")]);
    no_such_ordinal Some(&[]);
    a_system_that_is_not_ready Some(&[("FAIL_INIT", "802")]);
    a_library_of_another_version Some(&[("FAIL_INIT", "803")]);
    a_library_for_other_devices Some(&[("FAIL_INIT", "804")]);
    a_code_that_nobody_knows Some(&[("FAIL_INIT", "998")]);
    a_device_that_another_process_has Some(&[("FAIL_CONTEXT", "46")]);
    a_context_without_memory Some(&[("FAIL_CONTEXT", "2")]);
    a_precision_that_the_device_lacks Some(&[("COMPUTE_CAPABILITY", "7.5")]);
    a_kernel_that_does_not_compile Some(&[("FAIL_JIT", "1")]);
    out_of_memory Some(&[("MEMORY", "8000000")]);
    no_memory_for_a_network Some(&[("MEMORY", "6100")]);
    a_device_that_is_far_behind Some(&[("LATER", "1")]);
    a_device_lost_in_a_step Some(&[]);
    a_device_that_fails_without_a_reason Some(&[("FAIL_CODE", "999")]);
    a_call_that_fails_leaves_the_device Some(&[("FAIL_CODE", "701")]);
}
