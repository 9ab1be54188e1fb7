//! Buffers on the GPU, and copies to them and from them.

use std::sync::Arc;

use super::Cuda;
use super::errors::checked;
use super::gpu::{Gpu, State};
use crate::Result;
use crate::device::{Addr, Memory};

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

// SAFETY: the address and size are those that the driver returned, until the buffer is dropped.
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
        made.map_err(|e| self.gpu.id.no_room(e, "a buffer", bytes))?;
        let buffer = CudaBuffer {
            gpu: Arc::clone(&self.gpu),
            addr,
            bytes,
        };
        // SAFETY: the buffer that was just made.
        let zeroed = unsafe { state.stream.zero(addr, bytes.max(1)) };
        // A buffer that is dropped here locks the device again.
        drop(state);
        zeroed.map_err(|e| self.gpu.id.error(e, "clearing a buffer"))?;
        Ok(buffer)
    }
    fn addr(buffer: &CudaBuffer) -> Addr {
        std::ptr::without_provenance_mut(buffer.addr as usize)
    }
    fn size(buffer: &CudaBuffer) -> usize {
        buffer.bytes
    }
    unsafe fn write(&self, dst: Addr, src: &[u8]) -> Result<()> {
        let guard = self.gpu.lock()?;
        let mut state = guard.borrow_mut();
        let State {
            staging, stream, ..
        } = &mut *state;
        // SAFETY: the caller's promise.
        let put = unsafe { staging.upload(stream, dst as u64, src) };
        put.map_err(|e| self.gpu.id.error(e, "a copy to the device"))
    }
    unsafe fn read(&self, src: Addr, dst: &mut [u8]) -> Result<()> {
        let guard = self.gpu.lock()?;
        let mut state = guard.borrow_mut();
        if dst.is_empty() {
            return self.gpu.finish(&mut state);
        }
        let State {
            staging,
            stream,
            faults,
            ..
        } = &mut *state;
        let asked = faults.ask(stream);
        // SAFETY: the caller's promise.
        let read = unsafe { staging.download(stream, src as u64, dst) };
        self.gpu.settle(&mut state, asked.and(read))
    }
}
