//! The loss of a run: a number that is read on request.
//!
//! If results are in the host's memory, the loss is copied at once. On an asynchronous device it stays in the run's
//! workspace, so that training does not wait. The next run in that workspace overwrites it. Reading it after that is an
//! error.

use std::fmt;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use crate::device::{Addr, RunId};
use crate::{Device, Error, Float, Result};

/// The loss of one run.
pub struct Loss<D: Device> {
    value: Value<D>,
}

enum Value<D: Device> {
    /// A copy.
    Here(D::Float),
    /// In a workspace, unless a later run was made there.
    There {
        place: Arc<Place<D>>,
        run: u64,
        /// The same run, by the device's number.
        id: RunId,
    },
}

/// The place of the loss of the latest run in a workspace.
pub(crate) struct Place<D: Device> {
    device: D,
    now: Mutex<Now>,
}

struct Now {
    run: u64,
    function: &'static str,
    /// As a number, so that it may be sent to other threads; 0 if there is none.
    addr: usize,
}

impl<D: Device> Place<D> {
    pub(crate) fn new(device: D) -> Self {
        let now = Now {
            run: 0,
            function: "",
            addr: 0,
        };
        let now = Mutex::new(now);
        Self { device, now }
    }

    fn now(&self) -> MutexGuard<'_, Now> {
        // Every statement leaves it consistent, even if another thread has panicked.
        self.now.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Begins a new run. The loss of the run before is lost.
    pub(crate) fn begin(&self, function: &'static str) {
        let mut now = self.now();
        now.run += 1;
        now.addr = 0;
        now.function = function;
    }

    /// Sets the place of the loss of this function's run.
    ///
    /// # Safety
    /// A float of the device's lies there until `begin` or `end` is called.
    pub(crate) unsafe fn set(&self, function: &'static str, addr: Addr) {
        let mut now = self.now();
        now.function = function;
        now.addr = addr as usize;
    }

    /// The workspace was dropped.
    pub(crate) fn end(&self) {
        self.now().addr = 0;
    }

    /// The loss of the latest run.
    pub(crate) fn loss(self: &Arc<Self>, id: RunId) -> Loss<D> {
        let run = self.now().run;
        let place = Arc::clone(self);
        Loss {
            value: Value::There { place, run, id },
        }
    }

    fn read(&self, run: u64, id: &RunId) -> Result<D::Float> {
        let now = self.now();
        if now.run != run || now.addr == 0 {
            let function = now.function;
            // The error of the run is known even so.
            self.device.outcome(id.number())?;
            return Err(Error::LossOverwritten { function });
        }
        let mut value = [D::Float::from_f64(0.0)];
        let addr = std::ptr::with_exposed_provenance_mut(now.addr);
        // SAFETY: `set` was promised a float there, and the lock keeps the next run from beginning.
        unsafe {
            self.device
                .read(addr, bytemuck::cast_slice_mut(&mut value))?
        };
        self.device.outcome(id.number())?;
        Ok(value[0])
    }
}

impl<D: Device> Loss<D> {
    pub(crate) fn new(value: D::Float) -> Self {
        let value = Value::Here(value);
        Self { value }
    }

    /// The loss. An error if the device failed, if the run has met an index out of range (each time), or if later runs
    /// have overwritten the value.
    pub fn item(&self) -> Result<D::Float> {
        match &self.value {
            Value::Here(value) => Ok(*value),
            Value::There { place, run, id } => place.read(*run, id),
        }
    }
}

impl<D: Device> Clone for Loss<D> {
    fn clone(&self) -> Self {
        let value = match &self.value {
            Value::Here(value) => Value::Here(*value),
            Value::There { place, run, id } => Value::There {
                place: Arc::clone(place),
                run: *run,
                id: id.clone(),
            },
        };
        Self { value }
    }
}

/// The number, or the reason why there is none, in parentheses.
impl<D: Device> fmt::Display for Loss<D> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self.item() {
            Ok(value) => fmt::Display::fmt(&value, f),
            Err(e) => write!(f, "({e})"),
        }
    }
}

impl<D: Device> fmt::Debug for Loss<D> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Loss({self})")
    }
}
