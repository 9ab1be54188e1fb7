//! What all clones of a device share, and the lock that orders their use of it.

use std::cell::{Cell, RefCell, RefMut};

use cust::context::{Context, CurrentContext};
use cust::device::DeviceAttribute;
use cust::error::CudaError;
use cust::stream::{Stream, StreamFlags};
use cust_raw::CUresult;
use parking_lot::{ReentrantMutex, ReentrantMutexGuard};

use super::faults::Faults;
use super::graphs::Graphs;
use super::memory::Staging;
use super::modules::Modules;
use super::{driver, launches::Scratch};
use crate::{Error, Result};

/// The least driver: CUDA 11.4, whose functions `cust` knows.
const LEAST_DRIVER: i32 = 11_040;
/// The least compute capability that the kernels are written for.
const LEAST_CAPABILITY: (u32, u32) = (7, 5);

/// An open GPU.
pub struct Gpu {
    pub ordinal: usize,
    pub model: String,
    pub capability: (u32, u32),
    /// Held by whoever puts something on the stream, or waits for it; by a run as a whole, whose calls
    /// take it again.
    state: ReentrantMutex<RefCell<State>>,
    context: Context,
}

/// The device, for one thread alone.
pub type Guard<'a> = ReentrantMutexGuard<'a, RefCell<State>>;

/// A driver's error code.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Code(pub u32);

impl From<CudaError> for Code {
    fn from(e: CudaError) -> Self {
        Self(e as u32)
    }
}

impl std::fmt::Display for Code {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "{} (CUDA error {})", driver::error_text(self.0), self.0)
    }
}

/// What the driver says of a call.
pub fn checked(code: CUresult) -> std::result::Result<(), Code> {
    match code as u32 {
        0 => Ok(()),
        code => Err(Code(code)),
    }
}

/// What is used under the lock.
pub struct State {
    pub stream: Stream,
    pub modules: Modules,
    pub graphs: Graphs,
    pub scratch: Scratch,
    pub staging: Staging,
    pub faults: Faults,
    /// What went wrong in a call that returns nothing.
    pub failed: Option<Error>,
}

thread_local! {
    /// The context that this thread has current.
    static CURRENT: Cell<usize> = const { Cell::new(0) };
}

impl Gpu {
    pub fn open(ordinal: usize) -> Result<Self> {
        let none = |what: String| Error::NoDevice {
            device: format!("cuda:{ordinal}"),
            what,
        };
        if !driver::present() {
            return Err(none("the NVIDIA driver (libcuda.so.1) is not here".into()));
        }
        let no_gpu = "no NVIDIA GPU is here";
        let why = |e: CudaError| {
            none(match e {
                CudaError::NoDevice => no_gpu.into(),
                e => Code::from(e).to_string(),
            })
        };
        cust::init(cust::CudaFlags::empty()).map_err(why)?;
        let version = cust::CudaApiVersion::get().map_err(why)?;
        let (major, minor) = (version.major(), version.minor());
        if major * 1000 + minor * 10 < LEAST_DRIVER {
            return Err(none(format!(
                "the NVIDIA driver is too old: it knows CUDA {major}.{minor}, and 11.4 is needed"
            )));
        }
        let count = cust::device::Device::num_devices().map_err(why)? as usize;
        if ordinal >= count {
            return Err(none(match count {
                0 => no_gpu.into(),
                1 => "the only GPU is number 0".into(),
                n => format!("the GPUs are numbers 0 to {}", n - 1),
            }));
        }
        let device = cust::device::Device::get_device(ordinal as u32).map_err(why)?;
        let model = device.name().map_err(why)?;
        let attribute = |a| device.get_attribute(a).map(|v| v as u32).map_err(why);
        let capability = (
            attribute(DeviceAttribute::ComputeCapabilityMajor)?,
            attribute(DeviceAttribute::ComputeCapabilityMinor)?,
        );
        if capability < LEAST_CAPABILITY {
            return Err(none(format!(
                "{model} has compute capability {}.{}, and {}.{} is needed",
                capability.0, capability.1, LEAST_CAPABILITY.0, LEAST_CAPABILITY.1
            )));
        }
        let context = Context::new(device).map_err(why)?;
        CurrentContext::set_current(&context).map_err(why)?;
        CURRENT.set(context.as_raw() as usize);
        let stream = Stream::new(StreamFlags::DEFAULT, None).map_err(why)?;
        let faults = Faults::new().map_err(|e| none(e.to_string()))?;
        Ok(Self {
            ordinal,
            model,
            capability,
            state: ReentrantMutex::new(RefCell::new(State {
                stream,
                modules: Modules::default(),
                graphs: Graphs::default(),
                scratch: Scratch::default(),
                staging: Staging::default(),
                faults,
                failed: None,
            })),
            context,
        })
    }

    /// The device, for this thread alone.
    pub fn lock(&self) -> Result<Guard<'_>> {
        let guard = self.state.lock();
        let context = self.context.as_raw() as usize;
        if CURRENT.get() != context {
            let set = CurrentContext::set_current(&self.context);
            set.map_err(|e| self.error(e.into(), "the context"))?;
            CURRENT.set(context);
        }
        Ok(guard)
    }

    /// Does something under the lock; an error is kept for the next call that can return one.
    pub fn put(&self, f: impl FnOnce(&mut State) -> std::result::Result<(), Error>) {
        let Ok(guard) = self.lock() else { return };
        let mut state = guard.borrow_mut();
        if state.failed.is_none()
            && let Err(e) = f(&mut state)
        {
            state.failed = Some(e);
        }
    }

    /// An error of this device.
    pub fn error(&self, e: Code, doing: &str) -> Error {
        let what = match e.0 {
            // What a kernel did, or a device that is gone: nothing works on it any more.
            700..=719 => format!("{doing}: {e}; this program cannot use the device any more"),
            _ => format!("{doing}: {e}"),
        };
        Error::Device {
            device: format!("cuda:{}", self.ordinal),
            what,
        }
    }

    /// Waits for the stream, and tells what went wrong.
    pub fn wait(&self) -> Result<()> {
        let guard = self.lock()?;
        let mut state = guard.borrow_mut();
        self.finish(&mut state)?;
        state.faults.untold(None)
    }

    /// The same under the lock. What was found in the runs so far is known then.
    pub fn finish(&self, state: &mut RefMut<'_, State>) -> Result<()> {
        let done = state.stream.synchronize();
        if let Some(e) = state.failed.take() {
            return Err(e);
        }
        done.map_err(|e| self.error(e.into(), "waiting for the stream"))?;
        state.staging.used = 0;
        let looked = state.faults.look();
        looked.map_err(|e| self.error(e, "looking for faults"))
    }

    pub fn graphs(&self) -> usize {
        self.lock().map_or(0, |s| s.borrow().graphs.captured())
    }
}

impl Drop for Gpu {
    /// Graphs, buffers and the stream are freed in the context, which goes last.
    fn drop(&mut self) {
        let _ = CurrentContext::set_current(&self.context);
        CURRENT.set(self.context.as_raw() as usize);
    }
}
