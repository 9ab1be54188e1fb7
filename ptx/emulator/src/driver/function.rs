//! Attributes and occupancy of functions.

use super::code;
use super::context::context_call;
use super::state::{Handle, Outcome, State, put};
use crate::machine::shared_bytes;
use std::ffi::{c_int, c_uint};

/// Number of `CU_FUNC_ATTRIBUTE_MAX_DYNAMIC_SHARED_SIZE_BYTES`.
const MAX_DYNAMIC_SHARED: c_int = 8;
/// Number of `CU_FUNC_ATTRIBUTE_PREFERRED_SHARED_MEMORY_CARVEOUT`.
const CARVEOUT: c_int = 9;
/// Dynamic shared memory that needs no opt-in.
const WITHOUT_OPTIN: u32 = 48 << 10;

impl State {
    /// The maximum bytes of shared memory, static and dynamic, of a launch of this function.
    pub(super) fn shared_limit(&self, function: Handle) -> Outcome<u64> {
        let function = self.functions.get(&function).ok_or(code::INVALID_HANDLE)?;
        let own = shared_bytes(&function.kernel, function.max_dynamic_shared);
        Ok(own.max(u64::from(WITHOUT_OPTIN)))
    }

    /// The number of blocks that fit on a multiprocessor, by threads and shared memory.
    pub(super) fn blocks_per_multiprocessor(&self, threads: u32, shared: u64) -> u32 {
        let by_threads = 2048 / threads.max(1).next_multiple_of(32);
        let all = u64::from(self.shared_optin()) + 1024;
        let by_shared = all / (shared + 1024);
        by_threads
            .min(32)
            .min(u32::try_from(by_shared).unwrap_or(u32::MAX))
    }
}

#[unsafe(no_mangle)]
extern "C" fn cuFuncGetAttribute(out: *mut c_int, attribute: c_int, function: Handle) -> c_int {
    context_call(|state| {
        let found = state.functions.get(&function).ok_or(code::INVALID_HANDLE)?;
        let kernel = &found.kernel;
        let (major, minor) = state.settings.capability;
        let value = match attribute {
            0 => match kernel.required_block {
                Some(block) => block.iter().product(),
                None => kernel.max_threads.unwrap_or(1024).min(1024),
            },
            1 => kernel.shared_bytes as u32,
            2 | 7 | CARVEOUT => 0,
            3 => kernel.local_bytes as u32,
            // The emulator's number of registers; a compiler would need fewer.
            4 => (kernel.words + 2 * kernel.doubles).min(255) as u32,
            5 | 6 => 10 * major + minor,
            MAX_DYNAMIC_SHARED => {
                let default = WITHOUT_OPTIN.saturating_sub(kernel.shared_bytes as u32);
                found.max_dynamic_shared.max(default)
            }
            _ => return Err(code::INVALID_VALUE),
        };
        put(out, value as c_int)
    })
}

#[unsafe(no_mangle)]
extern "C" fn cuFuncSetAttribute(function: Handle, attribute: c_int, value: c_int) -> c_int {
    context_call(|state| {
        let optin = u64::from(state.shared_optin());
        let found = state
            .functions
            .get_mut(&function)
            .ok_or(code::INVALID_HANDLE)?;
        match (attribute, u32::try_from(value)) {
            (MAX_DYNAMIC_SHARED, Ok(bytes)) if shared_bytes(&found.kernel, bytes) <= optin => {
                found.max_dynamic_shared = bytes;
                Ok(())
            }
            (CARVEOUT, _) => Ok(()),
            _ => Err(code::INVALID_VALUE),
        }
    })
}

#[unsafe(no_mangle)]
extern "C" fn cuFuncSetCacheConfig(_function: Handle, _config: c_int) -> c_int {
    context_call(|_| Ok(()))
}

#[unsafe(no_mangle)]
extern "C" fn cuFuncSetSharedMemConfig(_function: Handle, _config: c_int) -> c_int {
    context_call(|_| Ok(()))
}

/// Suggests the largest block that fits, and a grid that fills the GPU with it.
#[unsafe(no_mangle)]
extern "C" fn cuOccupancyMaxPotentialBlockSize(
    grid: *mut c_int,
    block: *mut c_int,
    function: Handle,
    shared_of_block: Option<unsafe extern "C" fn(c_int) -> usize>,
    dynamic: usize,
    limit: c_int,
) -> c_int {
    context_call(|state| {
        let found = state.functions.get(&function).ok_or(code::INVALID_HANDLE)?;
        let mut threads = found.kernel.max_threads.unwrap_or(1024).min(1024);
        if let Ok(limit @ 1..) = c_uint::try_from(limit) {
            threads = threads.min(limit);
        }
        let dynamic = match shared_of_block {
            // SAFETY: the program passed the function for this purpose.
            Some(shared_of_block) => unsafe { shared_of_block(threads as c_int) },
            None => dynamic,
        };
        let shared = shared_bytes(&found.kernel, u32::try_from(dynamic).unwrap_or(u32::MAX));
        let blocks = state.blocks_per_multiprocessor(threads, shared);
        put(grid, blocks as c_int * state.settings.multiprocessors)?;
        put(block, threads as c_int)
    })
}

#[unsafe(no_mangle)]
extern "C" fn cuOccupancyMaxActiveBlocksPerMultiprocessor(
    out: *mut c_int,
    function: Handle,
    threads: c_int,
    dynamic: usize,
) -> c_int {
    context_call(|state| {
        let found = state.functions.get(&function).ok_or(code::INVALID_HANDLE)?;
        let Ok(threads @ 1..) = c_uint::try_from(threads) else {
            return Err(code::INVALID_VALUE);
        };
        let shared = shared_bytes(&found.kernel, u32::try_from(dynamic).unwrap_or(u32::MAX));
        let blocks = if threads > 1024 {
            0
        } else {
            state.blocks_per_multiprocessor(threads, shared)
        };
        put(out, blocks as c_int)
    })
}
