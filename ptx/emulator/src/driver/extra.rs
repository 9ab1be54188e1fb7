//! Functions that the real driver lacks: the last error's message, settings at run time, counts.

use super::code;
use super::state::{call, put};
use std::ffi::{CStr, c_char, c_int};

/// Copies the last error's message, truncated to fit and zero-terminated; returns its full length.
///
/// If `buffer` is null, only the length is returned.
#[unsafe(no_mangle)]
unsafe extern "C" fn netform_emulator_last_error(buffer: *mut c_char, bytes: usize) -> usize {
    let mut length = 0;
    call(|state| {
        length = state.message.len();
        if !buffer.is_null() && bytes > 0 {
            let count = length.min(bytes - 1);
            // SAFETY: the caller passes `bytes` bytes.
            unsafe {
                std::ptr::copy_nonoverlapping(state.message.as_ptr(), buffer.cast(), count);
                *buffer.add(count) = 0;
            }
        }
        Ok(())
    });
    length
}

/// Sets the value of the environment variable with this name; an empty value is the default. Returns 0, or 1 for an
/// invalid name or value.
#[unsafe(no_mangle)]
unsafe extern "C" fn netform_emulator_set(name: *const c_char, value: *const c_char) -> c_int {
    if name.is_null() || value.is_null() {
        return code::INVALID_VALUE;
    }
    // SAFETY: the caller passes two C strings.
    let (name, value) = unsafe { (CStr::from_ptr(name), CStr::from_ptr(value)) };
    call(|state| {
        let (Ok(name), Ok(value)) = (name.to_str(), value.to_str()) else {
            return Err(code::INVALID_VALUE);
        };
        if name.ends_with("FAIL_LAUNCH") {
            // The launch that fails is counted from here.
            state.launches = 0;
        }
        state.settings.set(name, value).map_err(|message| {
            state.tell(format!("{name}={value}: {message}"));
            code::INVALID_VALUE
        })
    })
}

/// Resets everything: memory, modules, errors, settings other than the environment's.
#[unsafe(no_mangle)]
extern "C" fn netform_emulator_reset() {
    call(|state| {
        state.reset();
        Ok(())
    });
}

/// Kernel launches, and instructions times threads, since the start or the last reset.
#[unsafe(no_mangle)]
extern "C" fn netform_emulator_counts(launches: *mut u64, instructions: *mut u64) -> c_int {
    call(|state| {
        put(launches, state.launches)?;
        put(instructions, state.thread_instructions)
    })
}
