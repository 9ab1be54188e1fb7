//! The places where cases run: a device and a float type.

use serde::{Deserialize, Serialize};

use crate::compare::Precision;

/// A column of the table.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Place {
    /// The CPU in single precision.
    CpuF32,
    /// The CPU in double precision.
    CpuF64,
    /// The GPU, or the emulator of its driver.
    CudaF32,
}

/// The environment variable that holds the path of the emulator's library.
pub const EMULATOR: &str = "NETFORM_EMULATOR_LIBRARY";

/// All places of this build, in order.
#[cfg(not(feature = "cuda"))]
pub const PLACES: &[Place] = &[Place::CpuF32, Place::CpuF64];
/// All places of this build, in order.
#[cfg(feature = "cuda")]
pub const PLACES: &[Place] = &[Place::CpuF32, Place::CpuF64, Place::CudaF32];

impl Place {
    /// Its float type.
    pub fn precision(self) -> Precision {
        match self {
            Place::CpuF32 | Place::CudaF32 => Precision::F32,
            Place::CpuF64 => Precision::F64,
        }
    }
}

impl std::fmt::Display for Place {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.pad(match self {
            Place::CpuF32 => "cpu f32",
            Place::CpuF64 => "cpu f64",
            Place::CudaF32 => "cuda f32",
        })
    }
}
