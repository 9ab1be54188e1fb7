//! Scratch memory of kernels.

use cust::memory::{DeviceBuffer, DeviceMemory};

use super::identity::Identity;
use crate::Result;

/// Memory for kernels that work in two stages. Memory that became too small is kept, since captured runs refer to it.
/// Each allocation is at least twice as large as the one before.
#[derive(Default)]
pub struct Scratch(Vec<DeviceBuffer<u8>>);

impl Scratch {
    /// The address of at least `bytes` bytes of scratch memory.
    pub fn at_least(&mut self, gpu: &Identity, bytes: usize) -> Result<u64> {
        if bytes == 0 {
            return Ok(0);
        }
        let last = self.0.last();
        if last.is_none_or(|b| b.size_in_bytes() < bytes) {
            let size = bytes.max(last.map_or(1 << 20, |b| 2 * b.size_in_bytes()));
            // SAFETY: kernels write it before they read it.
            let new = unsafe { DeviceBuffer::uninitialized(size) };
            let new = new.map_err(|e| gpu.no_room(e.into(), "scratch memory", size))?;
            self.0.push(new);
        }
        let last = self.0.last();
        Ok(last.map_or(0, |b| b.as_device_ptr().as_raw()))
    }
}
