//! What the driver says of a call.

use cust::error::CudaError;
use cust_raw::CUresult;

use super::driver;
use super::gpu::Gpu;
use crate::Error;

/// A driver's error code.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Code(pub u32);

impl Code {
    pub const OUT_OF_MEMORY: Self = Self(2);
    pub const NO_DEVICE: Self = Self(100);

    /// What a kernel did, or a device that is gone: nothing of this process works on it any more.
    fn is_final(self) -> bool {
        matches!(
            self.0,
            214 | 220 | 700 | 702 | 709 | 710 | 714..=719 | 721 | 999
        )
    }
}

impl From<CudaError> for Code {
    fn from(e: CudaError) -> Self {
        match e {
            CudaError::UnknownError => driver::last(),
            e => Self(e as u32),
        }
    }
}

impl std::fmt::Display for Code {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "{} (CUDA error {})", driver::error_text(self.0), self.0)
    }
}

/// What the driver says of a call that was just made.
pub fn checked(code: CUresult) -> Result<(), Code> {
    match code {
        CUresult::CUDA_SUCCESS => Ok(()),
        CUresult::CUDA_ERROR_UNKNOWN => Err(driver::last()),
        code => Err(Code(code as u32)),
    }
}

impl Gpu {
    /// An error of this device.
    pub fn error(&self, e: Code, doing: &str) -> Error {
        let gone = match e.is_final() {
            true => "; this program cannot use the device any more",
            false => "",
        };
        match e {
            Code::OUT_OF_MEMORY => self.no_room(e, doing, 0),
            e => self.fails(format!("{doing}: {e}{gone}")),
        }
    }

    /// An error in asking for memory.
    pub fn no_room(&self, e: Code, what: &str, bytes: usize) -> Error {
        match e {
            Code::OUT_OF_MEMORY => Error::OutOfMemory {
                device: format!("cuda:{}", self.ordinal),
                what: what.into(),
                bytes,
            },
            e => self.error(e, what),
        }
    }

    /// An error of this device that the driver knows nothing of.
    pub fn fails(&self, what: String) -> Error {
        Error::Device {
            device: format!("cuda:{}", self.ordinal),
            what,
        }
    }
}
