//! An NVIDIA GPU: takes an ordinal and gives a [`Device`](crate::Device). It computes in f32, with the kernels of
//! `netform-ptx`, launched through `cust`.
//!
//! | file | contents |
//! |---|---|
//! | `driver/` | the driver's functions, found at run time |
//! | `gpu.rs` | the state that all clones of a device share: context, stream, and the lock that orders their use |
//! | `identity.rs` | the number and model of the GPU |
//! | `errors.rs` | the driver's error codes |
//! | `stream.rs` | the stream, and events on it |
//! | `modules.rs` | composed PTX, loaded once |
//! | `launches.rs` | the kernels of a call, put on the stream |
//! | `queue.rs` | runs, captured as graphs if `replay.rs` says so |
//! | `graphs.rs` | these graphs |
//! | `scratch.rs` | memory of kernels that work in two stages |
//! | `memory.rs` | buffers, and copies to them and from them |
//! | `staging.rs` | pinned memory, through which the copies go |
//! | `faults.rs` | the word in which kernels report indices out of range; `ledger.rs` assigns them to runs |
//! | `kernels.rs` | the kernels with a fused body, and calls |
//! | `host.rs` | custom ops that run on the host |
//! | `gpu.rs` | the state of a device |
//! | `driver/` | the functions of the driver |
//!
//! All work is put on one stream, in the order of the calls, and the host does not wait for it. The next call that
//! waits (reading a result or a loss) returns an error of the device. An index out of range is reported by the results
//! of its own run.

pub mod driver;
mod errors;
mod faults;
mod gpu;
mod graphs;
mod host;
mod identity;
mod kernels;
mod launches;
mod memory;
mod modules;
mod queue;
mod scratch;
mod staging;
mod stream;

use std::sync::Arc;

use crate::{Device, Result};

pub use memory::CudaBuffer;
pub use netform_ptx::Precision;

/// An NVIDIA GPU, computing in f32.
///
/// Clones share their stream: work runs in the order of the calls.
#[derive(Clone)]
pub struct Cuda {
    gpu: Arc<gpu::Gpu>,
    precision: Precision,
}

impl Cuda {
    /// GPU number `ordinal`, from 0. The error gives the reason if it cannot be used: no driver, a driver that is too
    /// old, no such device, or a device below compute capability 7.5, which the kernels need.
    pub fn new(ordinal: usize) -> Result<Self> {
        let gpu = Arc::new(gpu::Gpu::open(ordinal)?);
        let precision = Precision::F32;
        Ok(Self { gpu, precision })
    }

    /// The same GPU with matrix products in another precision. The default is `f32`; tf32 and bf16 are used only on
    /// request. Sums are always in f32. Both need compute capability 8.0. On older GPUs, a product in them is an error.
    #[must_use]
    pub fn with_matmul_precision(self, precision: Precision) -> Self {
        Self { precision, ..self }
    }

    /// The GPU's model name.
    pub fn model(&self) -> &str {
        &self.gpu.id.model
    }

    /// Its compute capability: major, minor.
    pub fn capability(&self) -> (u32, u32) {
        self.gpu.id.capability
    }

    /// Waits until all work is done. Returns an index out of range that a run met, if no other call has reported it or
    /// can still report it: if its loss was dropped unread.
    pub fn synchronize(&self) -> Result<()> {
        self.gpu.wait()
    }

    /// The number of runs that are kept as graphs.
    #[doc(hidden)]
    pub fn graphs(&self) -> usize {
        self.gpu.graphs()
    }
}

impl std::fmt::Debug for Cuda {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        let (major, minor) = self.capability();
        write!(
            f,
            "Cuda({}: {}, {major}.{minor})",
            self.gpu.id.ordinal,
            self.model()
        )
    }
}

impl Device for Cuda {
    type Float = f32;
    fn name(&self) -> String {
        format!("cuda:{} f32", self.gpu.id.ordinal)
    }
}
