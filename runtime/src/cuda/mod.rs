//! An NVIDIA GPU: an ordinal in, a [`Device`](crate::Device) out. In f32, by the kernels of
//! `netform-ptx`, launched through `cust`.
//!
//! | file | what it holds |
//! |---|---|
//! | `driver/` | the driver's functions, found when the program runs |
//! | `gpu.rs` | what all clones of a device share: context, stream, and the lock that orders their use |
//! | `identity.rs` | which GPU it is |
//! | `errors.rs` | what the driver says of a call |
//! | `stream.rs` | the stream, and places on it |
//! | `modules.rs` | composed PTX, loaded once |
//! | `launches.rs` | the kernels of a call, put on the stream |
//! | `queue.rs` | runs, captured as graphs where `replay.rs` says so |
//! | `graphs.rs` | these graphs |
//! | `scratch.rs` | memory of kernels that work in two stages |
//! | `memory.rs` | buffers, and copies to them and from them |
//! | `staging.rs` | pinned memory, through which these go |
//! | `faults.rs` | the word in which kernels report indices out of range; `ledger.rs` has whose they are |
//! | `kernels.rs`, `attention.rs`, `convolutions.rs`, `host.rs` | the families of ops |
//!
//! Everything is put on one stream, in the order of the calls, and runs while the host goes on. What
//! goes wrong on the way is told by the next call that waits: reading a result or a loss. An index out of
//! range is told by the results of its own run.

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
/// Clones share their stream: what they are asked for runs in the order in which it was asked.
#[derive(Clone)]
pub struct Cuda {
    gpu: Arc<gpu::Gpu>,
    precision: Precision,
}

impl Cuda {
    /// GPU number `ordinal`, from 0. An error says why there is none: no driver, too old a driver, no
    /// such device, or a device older than the kernels need (compute capability 7.5).
    pub fn new(ordinal: usize) -> Result<Self> {
        let gpu = Arc::new(gpu::Gpu::open(ordinal)?);
        let precision = Precision::F32;
        Ok(Self { gpu, precision })
    }

    /// The same GPU with matrix products in another precision: that of `f32` unless tf32 or bf16 is asked
    /// for by name. Sums are in f32 in any case. Both need compute capability 8.0; below, a product in them is
    /// an error.
    #[must_use]
    pub fn with_matmul_precision(self, precision: Precision) -> Self {
        Self { precision, ..self }
    }

    /// The GPU's name, as its maker calls it.
    pub fn model(&self) -> &str {
        &self.gpu.id.model
    }

    /// Its compute capability: major, minor.
    pub fn capability(&self) -> (u32, u32) {
        self.gpu.id.capability
    }

    /// Waits until all that was asked for is done. An index out of range that a run met is told here if
    /// nobody else was told or may ask: if its loss was dropped unread.
    pub fn synchronize(&self) -> Result<()> {
        self.gpu.wait()
    }

    /// How many runs are kept as graphs.
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
