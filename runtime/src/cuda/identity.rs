//! The number and model of a GPU.

use super::errors::Code;
use crate::Error;

/// A GPU's number, and its properties.
pub struct Identity {
    pub ordinal: usize,
    pub model: String,
    pub capability: (u32, u32),
}

impl Identity {
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

    /// An error when allocating memory.
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

    /// An error of this device that does not come from the driver.
    pub fn fails(&self, what: String) -> Error {
        Error::Device {
            device: format!("cuda:{}", self.ordinal),
            what,
        }
    }
}
