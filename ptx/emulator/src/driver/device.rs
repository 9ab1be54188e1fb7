//! Initialisation and device queries.

use super::code;
use super::state::{Outcome, State, call, put};
use std::ffi::{c_char, c_int, c_uint};

const NAME: &[u8] = b"netform PTX emulator\0";

#[unsafe(no_mangle)]
extern "C" fn cuInit(_flags: c_uint) -> c_int {
    call(|state| {
        if state.settings.devices == 0 {
            return Err(code::NO_DEVICE);
        }
        if state.settings.fail_init != 0 {
            return Err(state.settings.fail_init);
        }
        state.initialised = true;
        Ok(())
    })
}

#[unsafe(no_mangle)]
extern "C" fn cuDriverGetVersion(out: *mut c_int) -> c_int {
    call(|state| put(out, state.settings.driver_version))
}

#[unsafe(no_mangle)]
extern "C" fn cuDeviceGetCount(out: *mut c_int) -> c_int {
    call(|state| {
        // Without a device initialisation fails, but the device count still works.
        if !state.initialised && state.settings.devices > 0 {
            return Err(code::NOT_INITIALIZED);
        }
        put(out, state.settings.devices)
    })
}

#[unsafe(no_mangle)]
extern "C" fn cuDeviceGet(out: *mut c_int, ordinal: c_int) -> c_int {
    call(|state| {
        state.device(ordinal)?;
        put(out, ordinal)
    })
}

#[unsafe(no_mangle)]
extern "C" fn cuDeviceGetName(out: *mut c_char, length: c_int, device: c_int) -> c_int {
    call(|state| {
        state.device(device)?;
        let Some(room) = usize::try_from(length)
            .ok()
            .filter(|&n| n > 0 && !out.is_null())
        else {
            return Err(code::INVALID_VALUE);
        };
        let count = room.min(NAME.len()) - 1;
        // SAFETY: the caller passes `length` bytes, of which at most that many are written.
        unsafe {
            std::ptr::copy_nonoverlapping(NAME.as_ptr(), out.cast(), count);
            *out.add(count) = 0;
        }
        Ok(())
    })
}

#[unsafe(no_mangle)]
extern "C" fn cuDeviceGetUuid(out: *mut [u8; 16], device: c_int) -> c_int {
    call(|state| {
        state.device(device)?;
        put(out, *b"netform emulator")
    })
}

#[unsafe(no_mangle)]
extern "C" fn cuDeviceTotalMem_v2(out: *mut usize, device: c_int) -> c_int {
    call(|state| {
        state.device(device)?;
        put(out, state.settings.memory as usize)
    })
}

#[unsafe(no_mangle)]
extern "C" fn cuDeviceComputeCapability(
    major: *mut c_int,
    minor: *mut c_int,
    device: c_int,
) -> c_int {
    call(|state| {
        state.device(device)?;
        put(major, state.settings.capability.0 as c_int)?;
        put(minor, state.settings.capability.1 as c_int)
    })
}

#[unsafe(no_mangle)]
extern "C" fn cuDeviceGetAttribute(out: *mut c_int, attribute: c_int, device: c_int) -> c_int {
    call(|state| {
        state.device(device)?;
        put(out, state.attribute(attribute).ok_or(code::INVALID_VALUE)?)
    })
}

impl State {
    pub(super) fn device(&self, ordinal: c_int) -> Outcome {
        if !self.initialised {
            return Err(code::NOT_INITIALIZED);
        }
        if (0..self.settings.devices).contains(&ordinal) {
            Ok(())
        } else {
            Err(code::INVALID_DEVICE)
        }
    }

    /// Shared memory that a block can opt in to, in bytes.
    pub(super) fn shared_optin(&self) -> u32 {
        match self.settings.capability {
            (7, 0..=2) => 96 << 10,
            (7, _) => 64 << 10,
            (8, 0) | (8, 7) => 163 << 10,
            (8, _) | (12, _) => 99 << 10,
            (0..=6, _) => 48 << 10,
            _ => 227 << 10,
        }
    }

    /// By the numbers of `CUdevice_attribute`. The values are those of an H100, unless there is a setting.
    fn attribute(&self, attribute: c_int) -> Option<c_int> {
        let optin = self.shared_optin() as c_int;
        Some(match attribute {
            1..=3 => 1024,
            4 => 64,
            5 => c_int::MAX,
            6 | 7 => 65_535,
            8 => 48 << 10,
            9 => 64 << 10,
            10 => 32,
            11 => c_int::MAX,
            12 | 82 => 65_536,
            13 => 1_755_000,
            14 => 512,
            16 => self.settings.multiprocessors,
            36 => 2_619_000,
            37 => 5120,
            38 => 50 << 20,
            39 => 2048,
            40 => 3,
            75 => self.settings.capability.0 as c_int,
            76 => self.settings.capability.1 as c_int,
            81 => optin + 1024,
            97 => optin,
            106 => 32,
            111 => 1024,
            // Overlap, mapped host memory, concurrent kernels, unified addressing, priorities,
            // caching, managed memory, cooperative launch.
            15 | 19 | 31 | 41 | 78 | 79 | 80 | 83 | 95 => 1,
            17..=140 => 0,
            _ => return None,
        })
    }
}
