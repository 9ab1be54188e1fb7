//! Allocation, on the device and pinned on the host.

use super::code;
use super::context::context_call;
use super::state::{Handle, Outcome, State, put};
use super::work::{ALL, catch_up};
use crate::machine::memory::ALIGN;
use std::ffi::{c_int, c_uint, c_void};

impl State {
    fn allocate(&mut self, bytes: usize) -> Outcome<u64> {
        if bytes == 0 {
            return Err(code::INVALID_VALUE);
        }
        let rounded = (bytes as u64).checked_next_multiple_of(ALIGN as u64);
        let needed = rounded.and_then(|n| n.checked_add(self.memory.used()));
        if needed.is_none_or(|n| n > self.settings.memory) {
            return Err(code::OUT_OF_MEMORY);
        }
        self.memory
            .allocate(bytes as u64, false)
            .ok_or(code::OUT_OF_MEMORY)
    }

    fn allocate_host(&mut self, bytes: usize) -> Outcome<*mut c_void> {
        if bytes == 0 {
            return Err(code::INVALID_VALUE);
        }
        let pointer = self
            .memory
            .allocate_host(bytes as u64)
            .ok_or(code::OUT_OF_MEMORY)?;
        Ok(pointer.cast())
    }
}

#[unsafe(no_mangle)]
extern "C" fn cuMemAlloc_v2(out: *mut u64, bytes: usize) -> c_int {
    context_call(|state| {
        state.forbid_during_capture()?;
        put(out, state.allocate(bytes)?)
    })
}

#[unsafe(no_mangle)]
extern "C" fn cuMemFree_v2(pointer: u64) -> c_int {
    let _ = catch_up(ALL);
    context_call(|state| {
        state.forbid_during_capture()?;
        if pointer == 0 || state.memory.free(pointer, true) || state.memory.free(pointer, false) {
            Ok(())
        } else {
            Err(code::INVALID_VALUE)
        }
    })
}

#[unsafe(no_mangle)]
extern "C" fn cuMemAllocAsync(out: *mut u64, bytes: usize, stream: Handle) -> c_int {
    context_call(|state| {
        if state.capture(stream)?.is_some() {
            return Err(code::NOT_SUPPORTED);
        }
        put(out, state.allocate(bytes)?)
    })
}

#[unsafe(no_mangle)]
extern "C" fn cuMemFreeAsync(pointer: u64, stream: Handle) -> c_int {
    let _ = catch_up(ALL);
    context_call(|state| {
        if state.capture(stream)?.is_some() {
            return Err(code::NOT_SUPPORTED);
        }
        if state.memory.free(pointer, true) {
            Ok(())
        } else {
            Err(code::INVALID_VALUE)
        }
    })
}

#[unsafe(no_mangle)]
extern "C" fn cuMemAllocHost_v2(out: *mut *mut c_void, bytes: usize) -> c_int {
    context_call(|state| {
        state.forbid_during_capture()?;
        put(out, state.allocate_host(bytes)?)
    })
}

#[unsafe(no_mangle)]
extern "C" fn cuMemHostAlloc(out: *mut *mut c_void, bytes: usize, _flags: c_uint) -> c_int {
    cuMemAllocHost_v2(out, bytes)
}

#[unsafe(no_mangle)]
extern "C" fn cuMemHostGetDevicePointer_v2(out: *mut u64, host: u64, _flags: c_uint) -> c_int {
    context_call(|state| match state.memory.find(host, 1) {
        Some(_) => put(out, host),
        None => Err(code::INVALID_VALUE),
    })
}

/// Managed memory is host memory: both sides use one pointer.
#[unsafe(no_mangle)]
extern "C" fn cuMemAllocManaged(out: *mut u64, bytes: usize, _flags: c_uint) -> c_int {
    context_call(|state| {
        state.forbid_during_capture()?;
        put(out, state.allocate_host(bytes)? as u64)
    })
}

#[unsafe(no_mangle)]
extern "C" fn cuMemFreeHost(pointer: *mut c_void) -> c_int {
    let _ = catch_up(ALL);
    context_call(|state| {
        if state.memory.free(pointer as u64, false) {
            Ok(())
        } else {
            Err(code::INVALID_VALUE)
        }
    })
}

/// Any host memory can be copied from here; kernels cannot use memory that was only registered.
#[unsafe(no_mangle)]
extern "C" fn cuMemHostRegister_v2(_host: *mut c_void, _bytes: usize, _flags: c_uint) -> c_int {
    context_call(|_| Ok(()))
}

#[unsafe(no_mangle)]
extern "C" fn cuMemHostUnregister(_host: *mut c_void) -> c_int {
    context_call(|_| Ok(()))
}

#[unsafe(no_mangle)]
extern "C" fn cuMemGetInfo_v2(free: *mut usize, total: *mut usize) -> c_int {
    context_call(|state| {
        let (all, used) = (state.settings.memory, state.memory.used());
        put(free, all.saturating_sub(used) as usize)?;
        put(total, all as usize)
    })
}

#[unsafe(no_mangle)]
extern "C" fn cuMemGetAddressRange_v2(base: *mut u64, size: *mut usize, pointer: u64) -> c_int {
    context_call(|state| {
        let found = state.memory.find(pointer, 1).ok_or(code::NOT_FOUND)?;
        let (start, bytes) = (found.start, found.bytes);
        if !base.is_null() {
            put(base, start)?;
        }
        if size.is_null() {
            Ok(())
        } else {
            put(size, bytes as usize)
        }
    })
}

#[unsafe(no_mangle)]
extern "C" fn cuMemAdvise(_pointer: u64, _bytes: usize, _advice: c_int, _device: c_int) -> c_int {
    context_call(|_| Ok(()))
}

#[unsafe(no_mangle)]
extern "C" fn cuMemPrefetchAsync(_pointer: u64, _n: usize, _to: c_int, _stream: Handle) -> c_int {
    context_call(|_| Ok(()))
}
