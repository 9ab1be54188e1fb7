//! The state that all clones of a device share, and the lock that orders their use of it.

use std::cell::RefCell;

use cust::context::{Context, CurrentContext};
use cust::device::DeviceAttribute;
use cust::error::CudaError;
use parking_lot::{ReentrantMutex, ReentrantMutexGuard};

use super::driver;
use super::errors::Code;
use super::faults::Faults;
use super::graphs::Graphs;
use super::identity::Identity;
use super::modules::Modules;
use super::scratch::Scratch;
use super::staging::Staging;
use super::stream::Stream;
use crate::{Error, Result};

/// The minimum driver version: CUDA 11.4, whose functions `cust` knows.
const LEAST_DRIVER: i32 = 11_040;
/// The minimum compute capability that the kernels are written for.
const LEAST_CAPABILITY: (u32, u32) = (7, 5);

/// An open GPU.
pub struct Gpu {
    pub id: Identity,
    /// Held by a thread while it puts something on the stream, or waits for it. A run holds it until its end; its calls
    /// lock it again.
    state: ReentrantMutex<RefCell<State>>,
    context: Context,
}

/// Exclusive access to the device for one thread.
pub type Guard<'a> = ReentrantMutexGuard<'a, RefCell<State>>;

/// The state that the lock protects. Fields are dropped in this order: graphs launch kernels of modules, and everything
/// uses the stream.
pub struct State {
    pub graphs: Graphs,
    pub modules: Modules,
    pub scratch: Scratch,
    pub staging: Staging,
    pub faults: Faults,
    pub stream: Stream,
    /// A run is being recorded, and another must not start.
    pub recording: bool,
    /// The error of a call that returns nothing.
    pub failed: Option<Error>,
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
        let why = |e: Code| match e {
            Code::NO_DEVICE => none(no_gpu.into()),
            Code::OUT_OF_MEMORY => Error::OutOfMemory {
                device: format!("cuda:{ordinal}"),
                what: "the device's own use".into(),
                bytes: 0,
            },
            e => none(e.to_string()),
        };
        let why_cust = |e: CudaError| why(e.into());
        cust::init(cust::CudaFlags::empty()).map_err(why_cust)?;
        let version = cust::CudaApiVersion::get().map_err(why_cust)?;
        let (major, minor) = (version.major(), version.minor());
        if major * 1000 + minor * 10 < LEAST_DRIVER {
            return Err(none(format!(
                "the NVIDIA driver is too old: it knows CUDA {major}.{minor}, and 11.4 is needed"
            )));
        }
        let count = cust::device::Device::num_devices().map_err(why_cust)? as usize;
        if ordinal >= count {
            return Err(none(match count {
                0 => no_gpu.into(),
                1 => "the only GPU is number 0".into(),
                n => format!("the GPUs are numbers 0 to {}", n - 1),
            }));
        }
        let device = cust::device::Device::get_device(ordinal as u32).map_err(why_cust)?;
        let model = device.name().map_err(why_cust)?;
        let attribute = |a| device.get_attribute(a).map(|v| v as u32).map_err(why_cust);
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
        let context = Context::new(device).map_err(why_cust)?;
        CurrentContext::set_current(&context).map_err(why_cust)?;
        let stream = Stream::new().map_err(why)?;
        let state = State {
            graphs: Graphs::new(),
            modules: Modules::default(),
            scratch: Scratch::default(),
            staging: Staging::new().map_err(why)?,
            faults: Faults::new(&stream).map_err(why)?,
            stream,
            recording: false,
            failed: None,
        };
        Ok(Self {
            id: Identity {
                ordinal,
                model,
                capability,
            },
            state: ReentrantMutex::new(RefCell::new(state)),
            context,
        })
    }

    /// Exclusive access to the device for this thread.
    pub fn lock(&self) -> Result<Guard<'_>> {
        let guard = self.state.lock();
        // Set each time, because other code of this thread may have set another context.
        let set = CurrentContext::set_current(&self.context);
        set.map_err(|e| self.id.error(e.into(), "the context"))?;
        Ok(guard)
    }

    /// Calls `f` under the lock. An error is kept for the next call that can return one.
    pub fn put(&self, f: impl FnOnce(&mut State) -> std::result::Result<(), Error>) {
        let Ok(guard) = self.lock() else { return };
        let mut state = guard.borrow_mut();
        if state.failed.is_none()
            && let Err(e) = f(&mut state)
        {
            state.failed = Some(e);
        }
    }

    /// Waits for the stream, and returns any error.
    pub fn wait(&self) -> Result<()> {
        let guard = self.lock()?;
        let mut state = guard.borrow_mut();
        self.finish(&mut state)?;
        state.faults.ledger.unreported(None)
    }

    /// As [`wait`](Self::wait), under the lock. All errors of earlier runs are known afterwards.
    pub fn finish(&self, state: &mut State) -> Result<()> {
        let asked = state.faults.ask(&state.stream);
        let waited = state.stream.wait();
        self.settle(state, asked.and(waited))
    }

    /// Reads the results of the work on the stream, after waiting for it.
    pub fn settle(&self, state: &mut State, waited: Result<(), Code>) -> Result<()> {
        if let Some(e) = state.failed.take() {
            return Err(e);
        }
        waited.map_err(|e| self.id.error(e, "waiting for the stream"))?;
        state.staging.rest();
        let looked = state.faults.look(&state.stream);
        looked.map_err(|e| self.id.error(e, "looking for faults"))
    }

    pub fn graphs(&self) -> usize {
        self.lock().map_or(0, |s| s.borrow().graphs.runs.count())
    }
}

impl Drop for Gpu {
    /// The state is freed in the context, when nothing uses it any more.
    fn drop(&mut self) {
        let _ = CurrentContext::set_current(&self.context);
        let _ = self.state.get_mut().get_mut().stream.wait();
    }
}
