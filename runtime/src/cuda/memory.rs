//! Buffers on the GPU, and copies through pinned memory.

use std::sync::Arc;

use cust::memory::LockedBuffer;

use super::Cuda;
use super::gpu::{Code, Gpu, State, checked};
use crate::device::{Addr, Memory};
use crate::{Error, Result};

/// Bytes of pinned memory for copies.
const STAGE: usize = 1 << 20;

/// Pinned memory through which bytes go to the device: copies from it run while the host goes on.
#[derive(Default)]
pub struct Staging {
    buffer: Option<LockedBuffer<u8>>,
    /// What lies before has been handed to copies that may still run.
    pub used: usize,
}

/// Bytes on a GPU.
pub struct CudaBuffer {
    gpu: Arc<Gpu>,
    addr: u64,
    bytes: usize,
}

impl Drop for CudaBuffer {
    fn drop(&mut self) {
        if let Ok(guard) = self.gpu.lock() {
            let _state = guard.borrow();
            // SAFETY: the buffer's own memory; the driver waits for kernels that use it.
            unsafe { cust_raw::cuMemFree_v2(self.addr) };
        }
    }
}

impl Gpu {
    /// Puts a copy of host bytes to the device on the stream.
    ///
    /// # Safety
    /// `dst..dst + src.len()` lies inside one buffer.
    unsafe fn upload(&self, state: &mut State, dst: u64, src: &[u8]) -> Result<()> {
        let why = |e: Code| self.error(e, "a copy to the device");
        let stage = &mut state.staging;
        if src.len() > STAGE / 4 {
            // The driver copies pageable memory before it returns.
            // SAFETY: the caller's promise; the slice outlives the call.
            let copied = unsafe {
                cust_raw::cuMemcpyHtoDAsync_v2(
                    dst,
                    src.as_ptr().cast(),
                    src.len(),
                    state.stream.as_inner(),
                )
            };
            return checked(copied).map_err(why);
        }
        if stage.buffer.is_none() {
            stage.buffer = Some(LockedBuffer::new(&0, STAGE).map_err(|e| why(e.into()))?);
        }
        if stage.used + src.len() > STAGE {
            state.stream.synchronize().map_err(|e| why(e.into()))?;
            stage.used = 0;
        }
        let Some(buffer) = &mut stage.buffer else {
            return Ok(());
        };
        let part = &mut buffer.as_mut_slice()[stage.used..stage.used + src.len()];
        part.copy_from_slice(src);
        stage.used += src.len();
        // SAFETY: the caller's promise; the pinned part is not written again before the stream is waited for.
        let copied = unsafe {
            cust_raw::cuMemcpyHtoDAsync_v2(
                dst,
                part.as_ptr().cast(),
                part.len(),
                state.stream.as_inner(),
            )
        };
        checked(copied).map_err(why)
    }

    /// Writes the step of random numbers.
    pub fn write_step(&self, state: &mut State, step: u64) -> Result<()> {
        let addr = state.graphs.step(self)?;
        // SAFETY: 8 bytes of the graphs' own.
        unsafe { self.upload(state, addr, &step.to_ne_bytes()) }
    }
}

// SAFETY: the address and size are those that the driver gave out, until the buffer is dropped.
unsafe impl Memory for Cuda {
    type Buffer = CudaBuffer;
    fn id(&self) -> u64 {
        Arc::as_ptr(&self.gpu).expose_provenance() as u64
    }
    fn alloc(&self, bytes: usize) -> Result<CudaBuffer> {
        let guard = self.gpu.lock()?;
        let state = guard.borrow_mut();
        let mut addr = 0;
        // SAFETY: `addr` takes the address.
        let made = checked(unsafe { cust_raw::cuMemAlloc_v2(&raw mut addr, bytes.max(1)) });
        match made {
            Err(Code(2)) => {
                return Err(Error::OutOfMemory {
                    device: format!("cuda:{}", self.gpu.ordinal),
                    what: "a buffer".into(),
                    bytes,
                });
            }
            Err(e) => return Err(self.gpu.error(e, "a buffer")),
            Ok(()) => {}
        }
        let buffer = CudaBuffer {
            gpu: Arc::clone(&self.gpu),
            addr,
            bytes,
        };
        // SAFETY: the buffer that was just made.
        let zeroed =
            unsafe { cust_raw::cuMemsetD8Async(addr, 0, bytes.max(1), state.stream.as_inner()) };
        drop(state);
        checked(zeroed).map_err(|e| self.gpu.error(e, "clearing a buffer"))?;
        Ok(buffer)
    }
    fn addr(buffer: &CudaBuffer) -> Addr {
        std::ptr::without_provenance_mut(buffer.addr as usize)
    }
    fn size(buffer: &CudaBuffer) -> usize {
        buffer.bytes
    }
    unsafe fn write(&self, dst: Addr, src: &[u8]) -> Result<()> {
        if src.is_empty() {
            return Ok(());
        }
        let guard = self.gpu.lock()?;
        let mut state = guard.borrow_mut();
        // SAFETY: the caller's promise.
        unsafe { self.gpu.upload(&mut state, dst as u64, src) }
    }
    unsafe fn read(&self, src: Addr, dst: &mut [u8]) -> Result<()> {
        let guard = self.gpu.lock()?;
        let mut state = guard.borrow_mut();
        if !dst.is_empty() {
            // SAFETY: the caller's promise; the slice outlives the wait below.
            let copied = unsafe {
                cust_raw::cuMemcpyDtoHAsync_v2(
                    dst.as_mut_ptr().cast(),
                    src as u64,
                    dst.len(),
                    state.stream.as_inner(),
                )
            };
            checked(copied).map_err(|e| self.gpu.error(e, "a copy from the device"))?;
        }
        self.gpu.finish(&mut state)
    }
}
