//! The driver's error codes.

use cust::error::CudaError;
use cust_raw::CUresult;

use super::driver;

/// A driver's error code.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Code(pub u32);

impl Code {
    pub const OUT_OF_MEMORY: Self = Self(2);
    pub const NO_DEVICE: Self = Self(100);

    /// A kernel's error, or a lost device: nothing in this process can use the device any more.
    pub fn is_final(self) -> bool {
        matches!(
            self.0,
            214 | 220 | 700 | 702 | 709 | 710 | 714..=719 | 721 | 999
        )
    }
}

impl From<CudaError> for Code {
    fn from(e: CudaError) -> Self {
        match e {
            CudaError::UnknownError => Self(driver::last()),
            e => Self(e as u32),
        }
    }
}

impl std::fmt::Display for Code {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "{} (CUDA error {})", driver::error_text(self.0), self.0)
    }
}

/// The result of a driver call that was just made.
pub fn checked(code: CUresult) -> Result<(), Code> {
    match code {
        CUresult::CUDA_SUCCESS => Ok(()),
        CUresult::CUDA_ERROR_UNKNOWN => Err(Code(driver::last())),
        code => Err(Code(code as u32)),
    }
}
