//! Contexts. There is one; primary contexts and created ones are the same.

use super::code;
use super::state::{Code, Context, Handle, Outcome, State, call, put};
use super::work::{ALL, catch_up, caught_up};
use std::cell::RefCell;
use std::ffi::{c_int, c_uint};

/// The handle of the one context.
const CONTEXT: Handle = 0xc0de0;

thread_local! {
    /// The stack of current contexts of this thread.
    static CURRENT: RefCell<Vec<Handle>> = const { RefCell::new(Vec::new()) };
}

fn current() -> Handle {
    CURRENT.with_borrow(|stack| stack.last().copied().unwrap_or(0))
}

fn set_current(context: Handle) {
    CURRENT.with_borrow_mut(|stack| {
        stack.pop();
        if context != 0 {
            stack.push(context);
        }
    });
}

/// Runs a function that needs a current context: fails if a kernel has faulted before.
pub(super) fn context_call(body: impl FnOnce(&mut State) -> Outcome) -> Code {
    call(|state| {
        state.check()?;
        if current() == 0 || state.context.retained == 0 {
            return Err(code::INVALID_CONTEXT);
        }
        body(state)
    })
}

impl State {
    fn retain(&mut self) {
        self.context.retained += 1;
    }

    /// After the last user has released it, everything in the context is freed, too.
    fn release(&mut self) -> Outcome {
        match self.context.retained {
            0 => return Err(code::INVALID_CONTEXT),
            1 => self.destroy_context(),
            n => self.context.retained = n - 1,
        }
        Ok(())
    }

    fn destroy_context(&mut self) {
        self.modules.clear();
        self.functions.clear();
        self.streams.clear();
        self.events.clear();
        self.graphs.clear();
        self.executables.clear();
        self.memory.clear();
        self.context = Context::default();
    }
}

#[unsafe(no_mangle)]
extern "C" fn cuDevicePrimaryCtxRetain(out: *mut Handle, device: c_int) -> c_int {
    call(|state| {
        state.device(device)?;
        if state.settings.fail_context != 0 {
            return Err(state.settings.fail_context);
        }
        state.retain();
        put(out, CONTEXT)
    })
}

#[unsafe(no_mangle)]
extern "C" fn cuDevicePrimaryCtxRelease_v2(device: c_int) -> c_int {
    let _ = catch_up(ALL);
    call(|state| {
        state.device(device)?;
        state.release()
    })
}

#[unsafe(no_mangle)]
extern "C" fn cuDevicePrimaryCtxRelease(device: c_int) -> c_int {
    cuDevicePrimaryCtxRelease_v2(device)
}

#[unsafe(no_mangle)]
extern "C" fn cuDevicePrimaryCtxReset_v2(device: c_int) -> c_int {
    let _ = catch_up(ALL);
    call(|state| {
        state.device(device)?;
        let retained = state.context.retained;
        state.destroy_context();
        state.context.retained = retained;
        Ok(())
    })
}

#[unsafe(no_mangle)]
extern "C" fn cuDevicePrimaryCtxReset(device: c_int) -> c_int {
    cuDevicePrimaryCtxReset_v2(device)
}

#[unsafe(no_mangle)]
extern "C" fn cuDevicePrimaryCtxSetFlags_v2(device: c_int, flags: c_uint) -> c_int {
    call(|state| {
        state.device(device)?;
        state.context.flags = flags;
        Ok(())
    })
}

#[unsafe(no_mangle)]
extern "C" fn cuDevicePrimaryCtxSetFlags(device: c_int, flags: c_uint) -> c_int {
    cuDevicePrimaryCtxSetFlags_v2(device, flags)
}

#[unsafe(no_mangle)]
extern "C" fn cuDevicePrimaryCtxGetState(
    device: c_int,
    flags: *mut c_uint,
    active: *mut c_int,
) -> c_int {
    call(|state| {
        state.device(device)?;
        put(flags, state.context.flags)?;
        put(active, c_int::from(state.context.retained > 0))
    })
}

#[unsafe(no_mangle)]
extern "C" fn cuCtxCreate_v2(out: *mut Handle, flags: c_uint, device: c_int) -> c_int {
    call(|state| {
        state.device(device)?;
        state.retain();
        state.context.flags = flags;
        CURRENT.with_borrow_mut(|stack| stack.push(CONTEXT));
        put(out, CONTEXT)
    })
}

#[unsafe(no_mangle)]
extern "C" fn cuCtxDestroy_v2(context: Handle) -> c_int {
    let _ = catch_up(ALL);
    call(|state| {
        known(context)?;
        if current() == context {
            set_current(0);
        }
        state.release()
    })
}

fn known(context: Handle) -> Outcome {
    if context == CONTEXT {
        Ok(())
    } else {
        Err(code::INVALID_CONTEXT)
    }
}

#[unsafe(no_mangle)]
extern "C" fn cuCtxPushCurrent_v2(context: Handle) -> c_int {
    call(|_| {
        known(context)?;
        CURRENT.with_borrow_mut(|stack| stack.push(context));
        Ok(())
    })
}

#[unsafe(no_mangle)]
extern "C" fn cuCtxPopCurrent_v2(out: *mut Handle) -> c_int {
    call(|_| {
        let popped = CURRENT
            .with_borrow_mut(Vec::pop)
            .ok_or(code::INVALID_CONTEXT)?;
        if out.is_null() {
            Ok(())
        } else {
            put(out, popped)
        }
    })
}

#[unsafe(no_mangle)]
extern "C" fn cuCtxSetCurrent(context: Handle) -> c_int {
    call(|_| {
        if context != 0 {
            known(context)?;
        }
        set_current(context);
        Ok(())
    })
}

#[unsafe(no_mangle)]
extern "C" fn cuCtxGetCurrent(out: *mut Handle) -> c_int {
    call(|_| put(out, current()))
}

#[unsafe(no_mangle)]
extern "C" fn cuCtxGetDevice(out: *mut c_int) -> c_int {
    context_call(|_| put(out, 0))
}

#[unsafe(no_mangle)]
extern "C" fn cuCtxGetFlags(out: *mut c_uint) -> c_int {
    context_call(|state| put(out, state.context.flags))
}

#[unsafe(no_mangle)]
extern "C" fn cuCtxGetApiVersion(_context: Handle, out: *mut c_uint) -> c_int {
    call(|_| put(out, 3020))
}

#[unsafe(no_mangle)]
extern "C" fn cuCtxGetStreamPriorityRange(least: *mut c_int, greatest: *mut c_int) -> c_int {
    context_call(|_| {
        put(least, 0)?;
        put(greatest, -5)
    })
}

#[unsafe(no_mangle)]
extern "C" fn cuCtxGetLimit(out: *mut usize, limit: c_int) -> c_int {
    context_call(|_| match limit {
        0 => put(out, 1024),
        1 => put(out, 1 << 20),
        2 => put(out, 8 << 20),
        _ => Err(code::INVALID_VALUE),
    })
}

#[unsafe(no_mangle)]
extern "C" fn cuCtxSetLimit(_limit: c_int, _value: usize) -> c_int {
    context_call(|_| Ok(()))
}

#[unsafe(no_mangle)]
extern "C" fn cuCtxGetCacheConfig(out: *mut c_int) -> c_int {
    context_call(|_| put(out, 0))
}

#[unsafe(no_mangle)]
extern "C" fn cuCtxSetCacheConfig(_config: c_int) -> c_int {
    context_call(|_| Ok(()))
}

#[unsafe(no_mangle)]
extern "C" fn cuCtxGetSharedMemConfig(out: *mut c_int) -> c_int {
    context_call(|_| put(out, 1))
}

#[unsafe(no_mangle)]
extern "C" fn cuCtxSetSharedMemConfig(_config: c_int) -> c_int {
    context_call(|_| Ok(()))
}

#[unsafe(no_mangle)]
extern "C" fn cuCtxSynchronize() -> c_int {
    match context_call(State::forbid_during_capture) {
        0 => caught_up(ALL),
        code => code,
    }
}
