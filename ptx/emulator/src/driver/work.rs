//! The kinds of work of a stream: done at once, or recorded and done when the graph is launched.

use super::code;
use super::state::{Code, Handle, Outcome, State, lock};
use crate::error::FaultKind;
use crate::machine::{self, Limits, Shape};
use crate::program::Kernel;
use std::ffi::c_void;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

/// A function of the program that runs in stream order.
#[derive(Clone, Copy)]
pub(crate) struct HostFunction {
    pub(crate) function: unsafe extern "C" fn(*mut c_void),
    pub(crate) data: *mut c_void,
}

// SAFETY: the driver API allows such a function to run on any thread.
unsafe impl Send for HostFunction {}
// SAFETY: as above.
unsafe impl Sync for HostFunction {}

/// One node of a graph.
#[derive(Clone)]
pub(crate) enum Work {
    Launch {
        kernel: Arc<Kernel>,
        shape: Shape,
        parameters: Vec<u8>,
    },
    ToDevice {
        to: u64,
        from: usize,
        bytes: usize,
    },
    ToHost {
        to: usize,
        from: u64,
        bytes: usize,
    },
    OnDevice {
        to: u64,
        from: u64,
        bytes: usize,
    },
    /// `count` elements of `width` bytes.
    Fill {
        to: u64,
        value: u32,
        width: usize,
        count: usize,
    },
    Host(HostFunction),
}

/// Does the work, or records it if the stream captures.
pub(crate) fn enqueue(stream: Handle, work: Work) -> Outcome {
    let mut state = lock();
    state.check()?;
    state.check_default_stream(stream)?;
    if let Some(capture) = state.capture(stream)? {
        capture.work.push(work);
        if let Some(own) = &mut state.stream(stream)?.capture {
            own.joined = false;
        }
        return Ok(());
    }
    put(state, work)
}

/// The same for a call that waits: it returns the error of the device.
pub(super) fn caught_up(until: u64) -> Code {
    let done = catch_up(until);
    done.and_then(|()| lock().check()).err().unwrap_or(0)
}

/// All enqueued work.
pub(super) const ALL: u64 = u64::MAX;

/// Does the work, or defers it.
pub(super) fn put(mut state: MutexGuard<'_, State>, work: Work) -> Outcome {
    if state.settings.later {
        state.later.push_back(work);
        state.enqueued += 1;
        return Ok(());
    }
    drop(state);
    perform(&work)
}

/// Does the deferred work among the first `until` pieces of work, of all streams.
pub(super) fn catch_up(until: u64) -> Outcome {
    static ORDER: Mutex<()> = Mutex::new(());
    let _order = ORDER.lock().unwrap_or_else(PoisonError::into_inner);
    loop {
        let mut state = lock();
        let done = state.enqueued - state.later.len() as u64;
        let Some(work) = (done < until).then(|| state.later.pop_front()).flatten() else {
            return Ok(());
        };
        drop(state);
        perform(&work)?;
    }
}

/// Does the work now.
pub(crate) fn perform(work: &Work) -> Outcome {
    if let Work::Host(host) = work {
        // Without the lock, because the function belongs to the program.
        // SAFETY: the program passed the function and its argument for this purpose.
        unsafe { (host.function)(host.data) };
        return Ok(());
    }
    let mut state = lock();
    state.check()?;
    match work {
        Work::Launch {
            kernel,
            shape,
            parameters,
        } => state.launch(kernel, shape, parameters),
        Work::ToDevice { to, from, bytes } => {
            let to = state.range(*to, *bytes)?;
            // SAFETY: `range` has checked the device side; the host side is the caller's.
            unsafe { std::ptr::copy(*from as *const u8, to, *bytes) };
            Ok(())
        }
        Work::ToHost { to, from, bytes } => {
            let from = state.range(*from, *bytes)?;
            // SAFETY: as above.
            unsafe { std::ptr::copy(from, *to as *mut u8, *bytes) };
            Ok(())
        }
        Work::OnDevice { to, from, bytes } => {
            let (to, from) = (state.range(*to, *bytes)?, state.range(*from, *bytes)?);
            // SAFETY: `range` has checked both sides.
            unsafe { std::ptr::copy(from, to, *bytes) };
            Ok(())
        }
        Work::Fill {
            to,
            value,
            width,
            count,
        } => {
            let bytes = count.checked_mul(*width).ok_or(code::INVALID_VALUE)?;
            if *to % *width as u64 != 0 {
                return Err(code::INVALID_VALUE);
            }
            let start = state.range(*to, bytes)?;
            let pattern = value.to_le_bytes();
            for i in 0..bytes {
                // SAFETY: `range` has checked all the bytes.
                unsafe { *start.add(i) = pattern[i % width] };
            }
            Ok(())
        }
        Work::Host(_) => Ok(()),
    }
}

impl State {
    /// The host pointer of a device range, which must lie in one allocation.
    fn range(&mut self, address: u64, bytes: usize) -> Outcome<*mut u8> {
        if bytes == 0 {
            return Ok(std::ptr::NonNull::dangling().as_ptr());
        }
        let pointer = self.memory.pointer(address, bytes as u64);
        if pointer.is_none() {
            let place = self.memory.describe(address);
            self.tell(format!(
                "copy or fill of {bytes} bytes out of bounds, at {place}"
            ));
        }
        pointer.ok_or(code::INVALID_VALUE)
    }

    /// As on a GPU the launch itself succeeds; every later call returns the error.
    fn launch(&mut self, kernel: &Kernel, shape: &Shape, parameters: &[u8]) -> Outcome {
        self.launches += 1;
        if self.settings.fail_launch == Some(self.launches) {
            let message = format!("launch {} of {} fails as asked", self.launches, kernel.name);
            self.tell(message);
            self.context.sticky = Some(self.settings.fail_code);
            return Ok(());
        }
        if !self.settings.launch_delay.is_zero() {
            std::thread::sleep(self.settings.launch_delay);
        }
        let limits = Limits {
            threads: self.settings.threads,
            max_steps: self.settings.max_steps,
            check_blocks: self.settings.check_blocks,
        };
        match machine::launch(kernel, shape, parameters, &self.memory, &limits) {
            Ok(counts) => {
                self.thread_instructions += counts.thread_instructions;
                Ok(())
            }
            Err(fault) => {
                self.tell(fault.to_string());
                self.context.sticky = Some(fault_code(fault.kind));
                Ok(())
            }
        }
    }
}

/// The error code of a GPU. Errors that only the emulator detects are launch failures.
fn fault_code(kind: FaultKind) -> i32 {
    match kind {
        FaultKind::Address => code::ILLEGAL_ADDRESS,
        FaultKind::Misaligned => code::MISALIGNED_ADDRESS,
        FaultKind::Endless => code::LAUNCH_TIMEOUT,
        FaultKind::Other => code::LAUNCH_FAILED,
    }
}
