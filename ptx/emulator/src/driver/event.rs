//! Events. Work is done when it is enqueued, so a recorded event has always happened.

use super::code;
use super::context::context_call;
use super::state::{Event, Handle, Outcome, State, put};
use super::work::caught_up;
use std::ffi::{c_int, c_uint};
use std::time::Instant;

/// `CU_EVENT_DISABLE_TIMING`
const DISABLE_TIMING: c_uint = 2;

#[unsafe(no_mangle)]
extern "C" fn cuEventCreate(out: *mut Handle, flags: c_uint) -> c_int {
    context_call(|state| {
        let handle = state.handle();
        let timed = flags & DISABLE_TIMING == 0;
        state.events.insert(
            handle,
            Event {
                timed,
                ..Event::default()
            },
        );
        put(out, handle)
    })
}

#[unsafe(no_mangle)]
extern "C" fn cuEventDestroy_v2(event: Handle) -> c_int {
    context_call(|state| match state.events.remove(&event) {
        Some(_) => Ok(()),
        None => Err(code::INVALID_HANDLE),
    })
}

#[unsafe(no_mangle)]
extern "C" fn cuEventRecord(event: Handle, stream: Handle) -> c_int {
    context_call(|state| {
        let capture = state.stream(stream)?.capture.as_ref();
        let origin = capture.map(|capture| capture.origin.unwrap_or(stream));
        if origin.is_some() {
            // Fails if the capture is invalid.
            state.capture(stream)?;
        }
        let enqueued = state.enqueued;
        let event = state.events.get_mut(&event).ok_or(code::INVALID_HANDLE)?;
        (event.captured, event.stream) = (origin, stream);
        if origin.is_none() {
            (event.recorded, event.behind) = (Some(Instant::now()), enqueued);
        }
        Ok(())
    })
}

impl State {
    /// The amount of work that an event waits for.
    fn waitable(&mut self, event: Handle) -> Outcome<u64> {
        let event = self.events.get(&event).ok_or(code::INVALID_HANDLE)?;
        match event.captured {
            None => Ok(event.behind),
            Some(origin) => {
                if let Some(capture) = self.capture(origin)? {
                    capture.invalid = true;
                }
                Err(code::CAPTURED_EVENT)
            }
        }
    }
}

#[unsafe(no_mangle)]
extern "C" fn cuEventQuery(event: Handle) -> c_int {
    cuEventSynchronize(event)
}

#[unsafe(no_mangle)]
extern "C" fn cuEventSynchronize(event: Handle) -> c_int {
    let mut behind = 0;
    let code = context_call(|state| {
        behind = state.waitable(event)?;
        Ok(())
    });
    match code {
        0 => caught_up(behind),
        code => code,
    }
}

#[unsafe(no_mangle)]
extern "C" fn cuEventElapsedTime(out: *mut f32, start: Handle, end: Handle) -> c_int {
    context_call(|state| {
        let find = |handle| state.events.get(&handle).ok_or(code::INVALID_HANDLE);
        let (start, end) = (find(start)?, find(end)?);
        if !start.timed || !end.timed {
            return Err(code::INVALID_HANDLE);
        }
        let (Some(from), Some(to)) = (start.recorded, end.recorded) else {
            return Err(code::INVALID_HANDLE);
        };
        let milliseconds = if to >= from {
            (to - from).as_secs_f64() * 1e3
        } else {
            -(from - to).as_secs_f64() * 1e3
        };
        put(out, milliseconds as f32)
    })
}
