//! The CPU: takes a number of threads and gives a [`Device`](crate::Device).
//!
//! Kernels are deterministic: for a given instruction set their results do not depend on the
//! number of threads.

mod attention;
mod choose;
mod convert;
mod convolution;
mod copy;
mod custom;
mod gemm;
mod index;
mod integers;
mod lanes;
mod launch;
mod map;
mod matvec;
mod plain;
mod product;
mod product_table;
mod random;
mod reduce;
mod rows;
mod scratch;
mod small;
mod way;

pub use choose::has_wide;
pub(crate) use map::SCALARS;
pub use product::{product_by, way_of};
pub use way::Way;

use std::alloc::{Layout, alloc_zeroed, dealloc};
use std::marker::PhantomData;
use std::ptr::NonNull;
use std::sync::Arc;

use bytemuck::Pod;

use crate::device::{Addr, Memory};
use crate::parallel::Pool;
use crate::{Device, Error, Float, Result};

/// The machine's processor, computing in `F`.
///
/// Clones share their threads. The number of threads is the number of available cores, unless `NETFORM_THREADS` or
/// [`with_threads`](Cpu::with_threads) sets it.
#[derive(Clone)]
pub struct Cpu<F = f32> {
    pool: Arc<Pool>,
    float: PhantomData<fn() -> F>,
}

impl Cpu<f32> {
    /// In single precision, as PyTorch's default.
    #[must_use]
    pub fn new() -> Self {
        Self::with(default_threads())
    }
}

impl Cpu<f64> {
    /// In double precision.
    #[must_use]
    pub fn f64() -> Self {
        Self::with(default_threads())
    }
}

impl Default for Cpu<f32> {
    fn default() -> Self {
        Self::new()
    }
}

impl<F: Float> Cpu<F> {
    fn with(threads: usize) -> Self {
        Self {
            pool: Arc::new(Pool::new(threads.min(MOST_THREADS))),
            float: PhantomData,
        }
    }

    /// The same processor with `threads` threads: at least 1, and at most 1,024.
    #[must_use]
    pub fn with_threads(self, threads: usize) -> Self {
        Self::with(threads)
    }

    /// The number of threads that kernels share.
    #[must_use]
    pub fn threads(&self) -> usize {
        self.pool.size()
    }

    /// The threads that kernels share.
    #[cfg_attr(not(debug_assertions), inline(always))]
    pub(crate) fn pool(&self) -> &Pool {
        &self.pool
    }
}

impl<F: Float> std::fmt::Debug for Cpu<F> {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "Cpu<{}> with {} threads", F::NAME, self.pool.size())
    }
}

/// `NETFORM_THREADS`, or the number of available cores.
/// More threads than any processor has; each takes memory for its state.
const MOST_THREADS: usize = 1024;

fn default_threads() -> usize {
    let wanted = std::env::var("NETFORM_THREADS")
        .ok()
        .and_then(|n| n.parse().ok())
        .filter(|&n| n > 0);
    wanted.unwrap_or_else(|| std::thread::available_parallelism().map_or(1, usize::from))
}

/// Zeroed bytes, aligned to 64.
#[derive(Debug)]
pub struct CpuBuffer {
    start: NonNull<u8>,
    bytes: usize,
}

// SAFETY: the buffer owns its bytes; access through the address is the kernels' contract.
unsafe impl Send for CpuBuffer {}
// SAFETY: as above.
unsafe impl Sync for CpuBuffer {}

impl CpuBuffer {
    /// The layout of a non-empty buffer, if there can be one.
    fn layout(bytes: usize) -> Option<Layout> {
        Layout::from_size_align(bytes, 64).ok()
    }

    /// `None` when out of memory.
    pub(crate) fn zeroed(bytes: usize) -> Option<Self> {
        let layout = Self::layout(bytes)?;
        if bytes == 0 {
            return Some(Self {
                start: NonNull::without_provenance(
                    std::num::NonZero::<usize>::MIN.saturating_add(63),
                ),
                bytes,
            });
        }
        // SAFETY: the layout's size is not 0.
        let start = NonNull::new(unsafe { alloc_zeroed(layout) })?;
        Some(Self { start, bytes })
    }

    /// The first byte's address.
    pub(crate) fn start(&self) -> *mut u8 {
        self.start.as_ptr()
    }

    /// The size in bytes.
    pub(crate) fn bytes(&self) -> usize {
        self.bytes
    }
}

impl Drop for CpuBuffer {
    fn drop(&mut self) {
        if let Some(layout) = Self::layout(self.bytes).filter(|l| l.size() > 0) {
            // SAFETY: allocated in `zeroed` with this layout.
            unsafe { dealloc(self.start.as_ptr(), layout) }
        }
    }
}

// SAFETY: a buffer owns its allocation, of exactly `size` bytes.
unsafe impl<F: Float> Memory for Cpu<F> {
    type Buffer = CpuBuffer;

    /// All memory of the process, with floats of one size.
    fn id(&self) -> u64 {
        size_of::<F>() as u64
    }

    fn alloc(&self, bytes: usize) -> Result<CpuBuffer> {
        CpuBuffer::zeroed(bytes).ok_or_else(|| Error::OutOfMemory {
            device: self.name(),
            what: "a buffer".into(),
            bytes,
        })
    }

    #[cfg_attr(not(debug_assertions), inline(always))]
    fn addr(buffer: &CpuBuffer) -> Addr {
        buffer.start()
    }

    #[cfg_attr(not(debug_assertions), inline(always))]
    fn size(buffer: &CpuBuffer) -> usize {
        buffer.bytes()
    }

    unsafe fn write(&self, dst: Addr, src: &[u8]) -> Result<()> {
        // SAFETY: the caller's.
        unsafe { std::ptr::copy_nonoverlapping(src.as_ptr(), dst, src.len()) };
        Ok(())
    }

    unsafe fn read(&self, src: Addr, dst: &mut [u8]) -> Result<()> {
        // SAFETY: the caller's.
        unsafe { std::ptr::copy_nonoverlapping(src, dst.as_mut_ptr(), dst.len()) };
        Ok(())
    }

    unsafe fn write_each<T: Copy, U: Pod>(
        &self,
        dst: Addr,
        values: &[T],
        convert: impl Fn(T) -> Result<U>,
    ) -> Result<()> {
        for (i, from) in values.iter().enumerate() {
            // SAFETY: the caller's.
            unsafe { dst.cast::<U>().add(i).write_unaligned(convert(*from)?) };
        }
        Ok(())
    }

    #[cfg_attr(not(debug_assertions), inline(always))]
    fn in_place(&self, addr: Addr) -> Option<Addr> {
        Some(addr)
    }
}

impl<F: Float> Device for Cpu<F> {
    type Float = F;
    fn name(&self) -> String {
        format!("cpu {}", F::NAME)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn buffers_are_zeroed_and_aligned() {
        let cpu = Cpu::new();
        for bytes in [0, 1, 64, 1000] {
            let buffer = cpu.alloc(bytes).unwrap();
            assert_eq!(Cpu::<f32>::addr(&buffer) as usize % 64, 0);
            assert_eq!(Cpu::<f32>::size(&buffer), bytes);
            let mut read = vec![1; bytes];
            // SAFETY: inside the buffer.
            unsafe { cpu.read(Cpu::<f32>::addr(&buffer), &mut read).unwrap() };
            assert!(read.iter().all(|&b| b == 0));
        }
    }

    #[test]
    fn too_much_memory_is_an_error() {
        for bytes in [usize::MAX, isize::MAX as usize, 1 << 60] {
            let error = Cpu::f64().alloc(bytes).unwrap_err();
            assert!(matches!(error, Error::OutOfMemory { .. }), "{error}");
        }
    }
}
