//! Where a workload runs: a device, and how to wait for it.

use clap::ValueEnum;
use netform::{Cpu, Device, Result};

/// `--device`.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub enum Place {
    /// The processor.
    Cpu,
    /// The first NVIDIA GPU.
    Cuda,
}

/// `--precision`, of matrix products on the GPU.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub enum Precision {
    /// Single precision throughout.
    F32,
    /// Operands rounded to tf32, sums in f32.
    Tf32,
    /// Operands rounded to bf16, sums in f32.
    Bf16,
}

impl Precision {
    /// The name on the command line.
    pub fn name(self) -> &'static str {
        match self {
            Precision::F32 => "f32",
            Precision::Tf32 => "tf32",
            Precision::Bf16 => "bf16",
        }
    }
}

/// A device that can be waited for.
pub trait Target: Device<Float = f32> {
    /// Waits until the device has done all queued work.
    fn wait(&self) -> Result<()>;
    /// A description of the device for the report.
    fn describe(&self) -> String;
}

impl Target for Cpu {
    /// Calls on the CPU return after the work is done.
    fn wait(&self) -> Result<()> {
        Ok(())
    }
    fn describe(&self) -> String {
        "cpu".into()
    }
}

#[cfg(feature = "cuda")]
impl Target for netform::Cuda {
    fn wait(&self) -> Result<()> {
        self.synchronize()
    }
    fn describe(&self) -> String {
        let (major, minor) = self.capability();
        format!("{}, capability {major}.{minor}", self.model())
    }
}

/// The first GPU, with products of this precision.
#[cfg(feature = "cuda")]
pub fn cuda(precision: Precision) -> Result<netform::Cuda> {
    Ok(
        netform::Cuda::new(0)?.with_matmul_precision(match precision {
            Precision::F32 => netform::Precision::F32,
            Precision::Tf32 => netform::Precision::Tf32,
            Precision::Bf16 => netform::Precision::Bf16,
        }),
    )
}
