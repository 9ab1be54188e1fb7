//! Streams and their capture.

use super::code;
use super::context::context_call;
use super::state::{Capture, Handle, State, Stream, put};
use super::work::{ALL, HostFunction, Work, catch_up, caught_up, enqueue};
use std::ffi::{c_int, c_uint, c_void};
use std::sync::Arc;

#[unsafe(no_mangle)]
extern "C" fn cuStreamCreateWithPriority(
    out: *mut Handle,
    flags: c_uint,
    priority: c_int,
) -> c_int {
    context_call(|state| {
        let handle = state.handle();
        let stream = Stream {
            flags,
            priority: priority.clamp(-5, 0),
            capture: None,
        };
        state.streams.insert(handle, stream);
        put(out, handle)
    })
}

#[unsafe(no_mangle)]
extern "C" fn cuStreamCreate(out: *mut Handle, flags: c_uint) -> c_int {
    cuStreamCreateWithPriority(out, flags, 0)
}

#[unsafe(no_mangle)]
extern "C" fn cuStreamDestroy_v2(stream: Handle) -> c_int {
    let _ = catch_up(ALL);
    context_call(|state| match state.streams.remove(&stream) {
        Some(_) if stream != 0 => Ok(()),
        _ => Err(code::INVALID_HANDLE),
    })
}

#[unsafe(no_mangle)]
extern "C" fn cuStreamGetFlags(stream: Handle, out: *mut c_uint) -> c_int {
    context_call(|state| put(out, state.stream(stream)?.flags))
}

#[unsafe(no_mangle)]
extern "C" fn cuStreamGetPriority(stream: Handle, out: *mut c_int) -> c_int {
    context_call(|state| put(out, state.stream(stream)?.priority))
}

impl State {
    /// Waiting for a stream that captures is an error, and invalidates the capture.
    fn wait_for(&mut self, stream: Handle) -> super::state::Outcome {
        self.check_default_stream(stream)?;
        match self.capture(stream)? {
            None => Ok(()),
            Some(capture) => {
                capture.invalid = true;
                Err(code::STREAM_CAPTURE_UNSUPPORTED)
            }
        }
    }
}

#[unsafe(no_mangle)]
extern "C" fn cuStreamSynchronize(stream: Handle) -> c_int {
    match context_call(|state| state.wait_for(stream)) {
        0 => caught_up(ALL),
        code => code,
    }
}

#[unsafe(no_mangle)]
extern "C" fn cuStreamQuery(stream: Handle) -> c_int {
    cuStreamSynchronize(stream)
}

#[unsafe(no_mangle)]
extern "C" fn cuStreamWaitEvent(stream: Handle, event: Handle, _flags: c_uint) -> c_int {
    context_call(|state| {
        let event = state.events.get(&event).ok_or(code::INVALID_HANDLE)?;
        let (captured, recorded_in) = (event.captured, event.stream);
        let capturing = state.capture(stream)?.is_some();
        match (capturing, captured) {
            (true, None) => {
                if let Some(capture) = state.capture(stream)? {
                    capture.invalid = true;
                }
                Err(code::STREAM_CAPTURE_ISOLATION)
            }
            // An event of a capture makes this stream part of it.
            (false, Some(origin)) => {
                let Some(capture) = state.capture(origin)? else {
                    return Err(code::CAPTURED_EVENT);
                };
                let (mode, thread) = (capture.mode, capture.thread);
                state.stream(stream)?.capture = Some(Capture {
                    work: Vec::new(),
                    invalid: false,
                    mode,
                    thread,
                    origin: Some(origin),
                    joined: false,
                });
                Ok(())
            }
            (true, Some(_)) => {
                if let Some(other) = &mut state.stream(recorded_in)?.capture {
                    other.joined = true;
                }
                Ok(())
            }
            (false, None) => Ok(()),
        }
    })
}

#[unsafe(no_mangle)]
extern "C" fn cuStreamBeginCapture_v2(stream: Handle, mode: c_uint) -> c_int {
    context_call(|state| {
        // The legacy default stream cannot be captured.
        if stream <= 1 {
            return Err(code::STREAM_CAPTURE_UNSUPPORTED);
        }
        if mode > 2 {
            return Err(code::INVALID_VALUE);
        }
        let found = state.stream(stream)?;
        if found.capture.is_some() {
            return Err(code::ILLEGAL_STATE);
        }
        let thread = std::thread::current().id();
        found.capture = Some(Capture {
            work: Vec::new(),
            invalid: false,
            mode,
            thread,
            origin: None,
            joined: true,
        });
        Ok(())
    })
}

#[unsafe(no_mangle)]
extern "C" fn cuStreamEndCapture(stream: Handle, out: *mut Handle) -> c_int {
    context_call(|state| {
        put(out, 0)?;
        let found = state.stream(stream)?;
        let Some(capture) = &found.capture else {
            return Err(code::ILLEGAL_STATE);
        };
        if capture.origin.is_some() {
            return Err(code::STREAM_CAPTURE_UNMATCHED);
        }
        if capture.mode != 2 && capture.thread != std::thread::current().id() {
            return Err(code::STREAM_CAPTURE_WRONG_THREAD);
        }
        let capture = found.capture.take();
        let mut unjoined = false;
        for other in state.streams.values_mut() {
            if other
                .capture
                .as_ref()
                .is_some_and(|c| c.origin == Some(stream))
            {
                unjoined |= other.capture.take().is_some_and(|c| !c.joined);
            }
        }
        for event in state.events.values_mut() {
            if event.captured == Some(stream) {
                event.captured = None;
            }
        }
        match capture {
            Some(capture) if !capture.invalid && unjoined => Err(code::STREAM_CAPTURE_UNJOINED),
            Some(capture) if !capture.invalid => {
                let handle = state.handle();
                state.graphs.insert(handle, Arc::new(capture.work));
                put(out, handle)
            }
            _ => Err(code::STREAM_CAPTURE_INVALIDATED),
        }
    })
}

#[unsafe(no_mangle)]
extern "C" fn cuStreamIsCapturing(stream: Handle, out: *mut c_int) -> c_int {
    context_call(|state| {
        let status = match state.capture(stream) {
            Ok(None) => 0,
            Ok(Some(_)) => 1,
            Err(code::STREAM_CAPTURE_INVALIDATED) => 2,
            Err(code) => return Err(code),
        };
        put(out, status)
    })
}

#[unsafe(no_mangle)]
extern "C" fn cuThreadExchangeStreamCaptureMode(mode: *mut c_int) -> c_int {
    context_call(|_| {
        if mode.is_null() {
            Err(code::INVALID_VALUE)
        } else {
            Ok(())
        }
    })
}

#[unsafe(no_mangle)]
unsafe extern "C" fn cuLaunchHostFunc(
    stream: Handle,
    function: Option<unsafe extern "C" fn(*mut c_void)>,
    data: *mut c_void,
) -> c_int {
    let Some(function) = function else {
        return code::INVALID_VALUE;
    };
    match context_call(|_| Ok(())) {
        0 => enqueue(stream, Work::Host(HostFunction { function, data }))
            .err()
            .unwrap_or(0),
        code => code,
    }
}
