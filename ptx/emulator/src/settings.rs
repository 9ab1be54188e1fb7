//! The settings, by environment variable or by `netform_emulator_set`.

use std::time::Duration;

/// Prefix of the environment variables.
const PREFIX: &str = "NETFORM_EMULATOR_";

/// Names, without the prefix.
const NAMES: [&str; 15] = [
    "DEVICES",
    "COMPUTE_CAPABILITY",
    "DRIVER_VERSION",
    "MULTIPROCESSORS",
    "MEMORY",
    "THREADS",
    "MAX_STEPS",
    "CHECK_BLOCKS",
    "FAIL_INIT",
    "FAIL_CONTEXT",
    "FAIL_LAUNCH",
    "FAIL_CODE",
    "FAIL_JIT",
    "LAUNCH_DELAY_US",
    "LATER",
];

/// The emulated machine and the errors to simulate.
#[derive(Clone, Debug)]
pub(crate) struct Settings {
    /// 0: there is a driver, but no GPU.
    pub(crate) devices: i32,
    pub(crate) capability: (u32, u32),
    /// The result of `cuDriverGetVersion`: 1000 major + 10 minor.
    pub(crate) driver_version: i32,
    pub(crate) multiprocessors: i32,
    /// Bytes of device memory.
    pub(crate) memory: u64,
    /// Host threads that run the blocks of a launch.
    pub(crate) threads: usize,
    /// The maximum number of instructions of all warps of one block.
    pub(crate) max_steps: u64,
    /// Whether blocks are checked for races with each other on global memory.
    pub(crate) check_blocks: bool,
    /// Result codes of `cuInit` and of retaining a context; 0: success.
    pub(crate) fail_init: i32,
    pub(crate) fail_context: i32,
    /// Counted from 1 at each setting: this launch loses the device.
    pub(crate) fail_launch: Option<u64>,
    /// The result code of all later calls.
    pub(crate) fail_code: i32,
    /// Every module fails to compile.
    pub(crate) fail_jit: bool,
    /// Extra time of every launch.
    pub(crate) launch_delay: Duration,
    /// Work waits in its stream until the program waits for it.
    pub(crate) later: bool,
}

impl Default for Settings {
    fn default() -> Self {
        Settings {
            devices: 1,
            capability: (9, 0),
            driver_version: 12_080,
            multiprocessors: 132,
            memory: 8 << 30,
            threads: std::thread::available_parallelism().map_or(1, usize::from),
            max_steps: 1 << 28,
            check_blocks: false,
            fail_init: 0,
            fail_context: 0,
            fail_launch: None,
            fail_code: 719,
            fail_jit: false,
            launch_delay: Duration::ZERO,
            later: false,
        }
    }
}

impl Settings {
    /// The defaults, with the environment's settings. Invalid ones are reported on stderr.
    pub(crate) fn from_environment() -> Self {
        let mut settings = Settings::default();
        for name in NAMES {
            if let Ok(value) = std::env::var(format!("{PREFIX}{name}"))
                && let Err(message) = settings.set(name, &value)
            {
                eprintln!("netform-ptx-emulator: {PREFIX}{name}={value}: {message}");
            }
        }
        settings
    }

    /// Sets one value by name, with or without the prefix; an empty value is the default.
    pub(crate) fn set(&mut self, name: &str, value: &str) -> Result<(), String> {
        let name = name.strip_prefix(PREFIX).unwrap_or(name);
        let default = Settings::default();
        let empty = value.is_empty();
        macro_rules! parse {
            ($field:ident, $parse:expr) => {
                if empty {
                    self.$field = default.$field
                } else {
                    self.$field = $parse
                }
            };
        }
        match name {
            "DEVICES" => parse!(devices, number(value)?.min(1) as i32),
            "COMPUTE_CAPABILITY" => parse!(capability, capability(value)?),
            "DRIVER_VERSION" => parse!(driver_version, number(value)?.min(1 << 30) as i32),
            "MULTIPROCESSORS" => parse!(multiprocessors, number(value)?.min(1 << 20) as i32),
            "MEMORY" => parse!(memory, number(value)?),
            "THREADS" => parse!(threads, number(value)?.clamp(1, 1024) as usize),
            "MAX_STEPS" => parse!(max_steps, number(value)?),
            "CHECK_BLOCKS" => parse!(check_blocks, number(value)? != 0),
            "FAIL_INIT" => parse!(fail_init, number(value)?.min(9999) as i32),
            "FAIL_CONTEXT" => parse!(fail_context, number(value)?.min(9999) as i32),
            "FAIL_CODE" => parse!(fail_code, number(value)?.clamp(1, 9999) as i32),
            "FAIL_LAUNCH" => parse!(fail_launch, Some(number(value)?).filter(|&n| n > 0)),
            "FAIL_JIT" => parse!(fail_jit, number(value)? != 0),
            "LAUNCH_DELAY_US" => parse!(launch_delay, Duration::from_micros(number(value)?)),
            "LATER" => parse!(later, number(value)? != 0),
            _ => return Err("no such setting".to_string()),
        }
        Ok(())
    }

    /// The newest PTX version that a driver of this version supports.
    pub(crate) fn ptx_version(&self) -> (u32, u32) {
        let (major, minor) = (self.driver_version / 1000, self.driver_version % 1000 / 10);
        match (major, minor) {
            (..=9, _) => (6, 0),
            (10, minor) => (6, 3 + minor as u32),
            (11, minor) => (7, minor as u32),
            (12, minor @ ..=5) => (8, minor as u32),
            (12, minor) => (8, minor as u32 - 1),
            (13, minor) => (9, minor as u32),
            _ => (u32::MAX, 0),
        }
    }
}

fn number(value: &str) -> Result<u64, String> {
    value
        .trim()
        .parse()
        .map_err(|_| "not a whole number".to_string())
}

fn capability(value: &str) -> Result<(u32, u32), String> {
    let parts = value
        .trim()
        .split_once('.')
        .map(|(a, b)| (a.parse(), b.parse()));
    match parts {
        Some((Ok(major), Ok(minor))) => Ok((major, minor)),
        _ => Err("expected major.minor, such as 9.0".to_string()),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn values_are_read_and_refused() {
        let mut settings = Settings::default();
        assert_eq!(settings.set("COMPUTE_CAPABILITY", "8.6"), Ok(()));
        assert_eq!(settings.capability, (8, 6));
        assert_eq!(settings.set("NETFORM_EMULATOR_MEMORY", "123"), Ok(()));
        assert_eq!(settings.memory, 123);
        assert_eq!(settings.set("MEMORY", ""), Ok(()));
        assert_eq!(settings.memory, 8 << 30);
        assert!(settings.set("MEMORY", "much").is_err());
        assert!(settings.set("COLOUR", "1").is_err());
        for name in NAMES {
            assert_eq!(settings.set(name, ""), Ok(()), "{name}");
        }
    }

    #[test]
    fn drivers_know_ptx_up_to_their_time() {
        for (driver, ptx) in [
            (11_040, (7, 4)),
            (12_000, (8, 0)),
            (12_080, (8, 7)),
            (13_000, (9, 0)),
        ] {
            let settings = Settings {
                driver_version: driver,
                ..Settings::default()
            };
            assert_eq!(settings.ptx_version(), ptx, "{driver}");
        }
    }
}
