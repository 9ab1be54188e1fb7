//! The driver's state: one lock around all objects that have handles.
//!
//! Work is done when it is enqueued: a stream is always idle, which the API allows. Captured work is done when its
//! graph is launched. With the setting `LATER`, work waits in one queue for all streams until it is waited for.

use super::code;
use super::work::Work;
use crate::machine::memory::DeviceMemory;
use crate::module::Module;
use crate::program::Kernel;
use crate::settings::Settings;
use std::collections::{HashMap, VecDeque};
use std::ffi::c_int;
use std::sync::{Arc, Mutex, MutexGuard, OnceLock};
use std::thread::ThreadId;
use std::time::Instant;

/// An error code of the driver API.
pub(crate) type Code = c_int;

/// The result of a driver function.
pub(crate) type Outcome<T = ()> = Result<T, Code>;

/// A program's handle: never null, never used twice.
pub(crate) type Handle = usize;

pub(crate) struct State {
    pub(crate) settings: Settings,
    pub(crate) initialised: bool,
    pub(crate) memory: DeviceMemory,
    pub(crate) modules: HashMap<Handle, Module>,
    pub(crate) functions: HashMap<Handle, Function>,
    pub(crate) streams: HashMap<Handle, Stream>,
    pub(crate) events: HashMap<Handle, Event>,
    pub(crate) graphs: HashMap<Handle, Arc<Vec<Work>>>,
    pub(crate) executables: HashMap<Handle, Arc<Vec<Work>>>,
    pub(crate) context: Context,
    /// Deferred work, and the total amount of enqueued work.
    pub(crate) later: VecDeque<Work>,
    pub(crate) enqueued: u64,
    /// The number of launches so far, for the launch that should fail.
    pub(crate) launches: u64,
    pub(crate) thread_instructions: u64,
    /// The message of the last error.
    pub(crate) message: String,
    next_handle: Handle,
}

/// The one context: primary contexts and created ones share it.
#[derive(Default)]
pub(crate) struct Context {
    pub(crate) retained: u32,
    pub(crate) flags: u32,
    /// After a kernel's error, every call returns this.
    pub(crate) sticky: Option<Code>,
}

pub(crate) struct Function {
    pub(crate) module: Handle,
    pub(crate) kernel: Arc<Kernel>,
    /// `CU_FUNC_ATTRIBUTE_MAX_DYNAMIC_SHARED_SIZE_BYTES`
    pub(crate) max_dynamic_shared: u32,
}

#[derive(Default)]
pub(crate) struct Stream {
    pub(crate) flags: u32,
    pub(crate) priority: i32,
    pub(crate) capture: Option<Capture>,
}

/// A recording in progress.
pub(crate) struct Capture {
    pub(crate) work: Vec<Work>,
    pub(crate) invalid: bool,
    /// Thread-local and global captures also forbid unsafe calls; relaxed ones do not.
    pub(crate) mode: u32,
    pub(crate) thread: ThreadId,
    /// The origin of the capture, for other streams that have joined it through recorded events.
    pub(crate) origin: Option<Handle>,
    /// Whether the origin waits for all work of such a stream.
    pub(crate) joined: bool,
}

#[derive(Default)]
pub(crate) struct Event {
    pub(crate) recorded: Option<Instant>,
    /// The total amount of enqueued work when it was recorded.
    pub(crate) behind: u64,
    pub(crate) timed: bool,
    /// Recorded in the capture of this stream.
    pub(crate) captured: Option<Handle>,
    /// The stream that it was recorded in.
    pub(crate) stream: Handle,
}

fn cell() -> &'static Mutex<State> {
    static STATE: OnceLock<Mutex<State>> = OnceLock::new();
    STATE.get_or_init(|| Mutex::new(State::new(Settings::from_environment())))
}

/// The state. It stays usable after a panic of another thread (which cannot happen).
pub(crate) fn lock() -> MutexGuard<'static, State> {
    cell()
        .lock()
        .unwrap_or_else(|poisoned| poisoned.into_inner())
}

impl State {
    fn new(settings: Settings) -> Self {
        State {
            settings,
            initialised: false,
            memory: DeviceMemory::default(),
            modules: HashMap::new(),
            functions: HashMap::new(),
            streams: HashMap::new(),
            events: HashMap::new(),
            graphs: HashMap::new(),
            executables: HashMap::new(),
            context: Context::default(),
            later: VecDeque::new(),
            enqueued: 0,
            launches: 0,
            thread_instructions: 0,
            message: String::new(),
            next_handle: 0x1000,
        }
    }

    /// Resets to the state at the start of the process, with settings from the environment. Handles stay unique.
    pub(crate) fn reset(&mut self) {
        let next = self.next_handle;
        *self = State::new(Settings::from_environment());
        self.next_handle = next;
    }

    pub(crate) fn handle(&mut self) -> Handle {
        self.next_handle += 16;
        self.next_handle
    }

    /// The first check of every call in a context.
    pub(crate) fn check(&self) -> Outcome {
        if !self.initialised {
            return Err(code::NOT_INITIALIZED);
        }
        match self.context.sticky {
            Some(code) => Err(code),
            None => Ok(()),
        }
    }

    /// Stores a message, and prints it on stderr.
    pub(crate) fn tell(&mut self, message: String) {
        eprintln!("netform-ptx-emulator: {message}");
        self.message = message;
    }

    /// A stream by handle; null and the two special handles are the default streams.
    pub(crate) fn stream(&mut self, handle: Handle) -> Outcome<&mut Stream> {
        if handle <= 2 {
            return Ok(self.streams.entry(0).or_default());
        }
        self.streams.get_mut(&handle).ok_or(code::INVALID_HANDLE)
    }

    /// The capture of this stream, if it has one.
    pub(crate) fn capture(&mut self, handle: Handle) -> Outcome<Option<&mut Capture>> {
        let origin = match &self.stream(handle)?.capture {
            None => return Ok(None),
            Some(capture) => capture.origin.unwrap_or(handle),
        };
        let capture = self.stream(origin)?.capture.as_mut();
        match capture {
            Some(capture) if capture.invalid => Err(code::STREAM_CAPTURE_INVALIDATED),
            other => Ok(other),
        }
    }

    /// Work on the legacy default stream waits for all blocking streams: none may be capturing.
    pub(crate) fn check_default_stream(&mut self, stream: Handle) -> Outcome {
        /// `CU_STREAM_NON_BLOCKING`
        const NON_BLOCKING: u32 = 1;
        if stream > 1 {
            return Ok(());
        }
        let mut found = false;
        for other in self.streams.values_mut() {
            if let (0, Some(capture)) = (other.flags & NON_BLOCKING, &mut other.capture) {
                capture.invalid = true;
                found = true;
            }
        }
        if found {
            Err(code::STREAM_CAPTURE_IMPLICIT)
        } else {
            Ok(())
        }
    }

    /// For calls that are forbidden while a stream captures (allocation, synchronous copies, synchronisation): they
    /// fail and invalidate the captures that they affect.
    pub(crate) fn forbid_during_capture(&mut self) -> Outcome {
        let here = std::thread::current().id();
        let mut found = false;
        for stream in self.streams.values_mut() {
            if let Some(capture) = &mut stream.capture {
                // 0 global, 1 thread-local, 2 relaxed.
                if capture.mode == 0 || (capture.mode == 1 && capture.thread == here) {
                    capture.invalid = true;
                    found = true;
                }
            }
        }
        if found {
            Err(code::STREAM_CAPTURE_UNSUPPORTED)
        } else {
            Ok(())
        }
    }
}

/// Runs the body of a driver function and gives its code.
pub(crate) fn call(body: impl FnOnce(&mut State) -> Outcome) -> Code {
    match body(&mut lock()) {
        Ok(()) => 0,
        Err(code) => code,
    }
}

/// Stores a result in the caller's place.
pub(crate) fn put<T>(out: *mut T, value: T) -> Outcome {
    if out.is_null() {
        return Err(code::INVALID_VALUE);
    }
    // SAFETY: the driver API's callers pass space for the result.
    unsafe { out.write(value) };
    Ok(())
}
