//! The stream, on which all work is put in order, and events, which show its progress.

use std::ffi::c_void;
use std::ptr::null_mut;

use cust_raw::{
    CUevent, CUevent_flags_enum as EventFlags, CUfunction, CUstream,
    CUstream_flags_enum as StreamFlags,
};

use super::errors::{Code, checked};

/// A stream that does not synchronise with the legacy default stream: work of other code there neither waits for it nor
/// breaks its captures. (All streams that `cust` makes do synchronise with it.)
pub struct Stream(CUstream);

// SAFETY: the driver takes its handles from any thread.
unsafe impl Send for Stream {}

impl Drop for Stream {
    fn drop(&mut self) {
        // SAFETY: made by `new`, destroyed once.
        unsafe { cust_raw::cuStreamDestroy_v2(self.0) };
    }
}

impl Stream {
    pub fn new() -> Result<Self, Code> {
        let (mut stream, flags) = (null_mut(), StreamFlags::CU_STREAM_NON_BLOCKING as u32);
        // SAFETY: `stream` takes the handle.
        checked(unsafe { cust_raw::cuStreamCreate(&raw mut stream, flags) })?;
        Ok(Self(stream))
    }

    pub fn raw(&self) -> CUstream {
        self.0
    }

    /// Waits for all work on the stream.
    pub fn wait(&self) -> Result<(), Code> {
        // SAFETY: the stream lives.
        checked(unsafe { cust_raw::cuStreamSynchronize(self.0) })
    }

    /// # Safety
    /// `to..to + bytes` lies inside one buffer. `from` is pinned and not written before the copy is done.
    pub unsafe fn to_device(&self, to: u64, from: *const u8, bytes: usize) -> Result<(), Code> {
        // SAFETY: the caller's promise.
        checked(unsafe { cust_raw::cuMemcpyHtoDAsync_v2(to, from.cast(), bytes, self.0) })
    }

    /// # Safety
    /// `from..from + bytes` lies inside one buffer. `to` is pinned and not read before the copy is done.
    pub unsafe fn to_host(&self, to: *mut u8, from: u64, bytes: usize) -> Result<(), Code> {
        // SAFETY: the caller's promise.
        checked(unsafe { cust_raw::cuMemcpyDtoHAsync_v2(to.cast(), from, bytes, self.0) })
    }

    /// # Safety
    /// `at..at + bytes` lies inside one buffer.
    pub unsafe fn zero(&self, at: u64, bytes: usize) -> Result<(), Code> {
        // SAFETY: the caller's promise.
        checked(unsafe { cust_raw::cuMemsetD8Async(at, 0, bytes, self.0) })
    }

    /// # Safety
    /// `args` points to the function's parameters, and the function stays inside the buffers given there.
    pub unsafe fn launch(
        &self,
        function: CUfunction,
        [gx, gy, gz]: [u32; 3],
        [bx, by, bz]: [u32; 3],
        shared: u32,
        args: &mut [*mut c_void],
    ) -> Result<(), Code> {
        let (args, none) = (args.as_mut_ptr(), null_mut());
        // SAFETY: the caller's promise; the driver copies the arguments before it returns.
        checked(unsafe {
            cust_raw::cuLaunchKernel(function, gx, gy, gz, bx, by, bz, shared, self.0, args, none)
        })
    }
}

/// A place on a stream.
pub struct Event(CUevent);

// SAFETY: as of `Stream`.
unsafe impl Send for Event {}

impl Drop for Event {
    fn drop(&mut self) {
        // SAFETY: made by `new`, destroyed once.
        unsafe { cust_raw::cuEventDestroy_v2(self.0) };
    }
}

impl Event {
    pub fn new() -> Result<Self, Code> {
        let (mut event, flags) = (null_mut(), EventFlags::CU_EVENT_DISABLE_TIMING as u32);
        // SAFETY: `event` takes the handle.
        checked(unsafe { cust_raw::cuEventCreate(&raw mut event, flags) })?;
        Ok(Self(event))
    }

    /// Records a place after all work on the stream so far.
    pub fn record(&self, stream: &Stream) -> Result<(), Code> {
        // SAFETY: both live.
        checked(unsafe { cust_raw::cuEventRecord(self.0, stream.0) })
    }

    /// Waits for all work before the recorded place. Returns at once if none was recorded.
    pub fn wait(&self) -> Result<(), Code> {
        // SAFETY: the event lives.
        checked(unsafe { cust_raw::cuEventSynchronize(self.0) })
    }
}
