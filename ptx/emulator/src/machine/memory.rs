//! Device memory: allocations with separate addresses, never reused in a process.
//!
//! An address identifies its allocation, so an access is checked to the byte, and freed memory stays invalid. Kernels
//! on several host threads share this memory. Every access is a relaxed atomic of the element's width, so that a racing
//! kernel is wrong but there is no undefined behaviour here.

use std::alloc::{Layout, alloc, dealloc};
use std::sync::atomic::{AtomicU8, AtomicU16, AtomicU32, AtomicU64, Ordering::Relaxed};

/// The first device address: far from host pointers, shared offsets and the windows.
const FIRST: u64 = 0x1000_0000_0000;

/// Alignment of every allocation, as the driver's.
pub(crate) const ALIGN: usize = 256;

/// One allocation.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Allocation {
    pub(crate) start: u64,
    pub(crate) bytes: u64,
    pub(crate) data: *mut u8,
    /// Whether it is read-only for kernels.
    pub(crate) constant: bool,
    /// Whether it is counted as device memory rather than host memory.
    pub(crate) device: bool,
}

// SAFETY: the data is accessed through atomics only (kernels) or under the driver's lock (copies).
unsafe impl Send for Allocation {}
// SAFETY: as above.
unsafe impl Sync for Allocation {}

/// All live allocations, ordered by address.
#[derive(Debug, Default)]
pub(crate) struct DeviceMemory {
    allocations: Vec<Allocation>,
    next: u64,
    used: u64,
}

fn layout(bytes: u64) -> Option<Layout> {
    let bytes = usize::try_from(bytes.max(1)).ok()?;
    Layout::from_size_align(bytes.checked_next_multiple_of(ALIGN)?, ALIGN).ok()
}

impl DeviceMemory {
    /// Bytes of device memory in use.
    pub(crate) fn used(&self) -> u64 {
        self.used
    }

    /// Fresh memory, every byte 0xff: as floats, NaN. None if the host is out of memory.
    pub(crate) fn allocate(&mut self, bytes: u64, constant: bool) -> Option<u64> {
        let data = Self::fresh(bytes)?;
        let start = self.next.max(FIRST);
        // A gap between any two, so that an access past the end is never inside a neighbour.
        let end = start
            .checked_add(bytes)?
            .checked_next_multiple_of(ALIGN as u64)?;
        self.next = end + ALIGN as u64;
        self.used += bytes;
        self.insert(Allocation {
            start,
            bytes,
            data,
            constant,
            device: true,
        });
        Some(start)
    }

    /// Host memory that kernels may use: its device address is its pointer.
    pub(crate) fn allocate_host(&mut self, bytes: u64) -> Option<*mut u8> {
        let data = Self::fresh(bytes)?;
        let start = data as u64;
        self.insert(Allocation {
            start,
            bytes,
            data,
            constant: false,
            device: false,
        });
        Some(data)
    }

    fn fresh(bytes: u64) -> Option<*mut u8> {
        let layout = layout(bytes)?;
        // SAFETY: the layout has a size above zero; the block is written before it is shared.
        unsafe {
            let data = alloc(layout);
            if data.is_null() {
                return None;
            }
            data.write_bytes(0xff, layout.size());
            Some(data)
        }
    }

    fn insert(&mut self, allocation: Allocation) {
        let at = self
            .allocations
            .partition_point(|a| a.start < allocation.start);
        self.allocations.insert(at, allocation);
    }

    /// Frees the allocation that starts here; false if there is none of this kind.
    pub(crate) fn free(&mut self, start: u64, device: bool) -> bool {
        let found = self
            .allocations
            .iter()
            .position(|a| a.start == start && a.device == device);
        let Some(at) = found else {
            return false;
        };
        let allocation = self.allocations.remove(at);
        self.release(&allocation);
        true
    }

    fn release(&mut self, allocation: &Allocation) {
        if allocation.device {
            self.used -= allocation.bytes;
        }
        if let Some(layout) = layout(allocation.bytes) {
            // SAFETY: allocated by `fresh` with this very layout, and no longer in the table.
            unsafe { dealloc(allocation.data, layout) }
        }
    }

    /// The allocation that contains all these bytes.
    pub(crate) fn find(&self, address: u64, bytes: u64) -> Option<&Allocation> {
        let after = self.allocations.partition_point(|a| a.start <= address);
        let allocation = self.allocations.get(after.checked_sub(1)?)?;
        let offset = address - allocation.start;
        (offset <= allocation.bytes && bytes <= allocation.bytes - offset).then_some(allocation)
    }

    /// The host pointer for a range inside one allocation.
    pub(crate) fn pointer(&self, address: u64, bytes: u64) -> Option<*mut u8> {
        let allocation = self.find(address, bytes)?;
        Some(
            allocation
                .data
                .wrapping_add((address - allocation.start) as usize),
        )
    }

    /// For messages: the allocations near an address that is out of bounds.
    pub(crate) fn describe(&self, address: u64) -> String {
        let after = self.allocations.partition_point(|a| a.start <= address);
        match after.checked_sub(1).and_then(|i| self.allocations.get(i)) {
            Some(a) if address - a.start < a.bytes + (1 << 20) => format!(
                "offset {} of an allocation of {} bytes",
                address - a.start,
                a.bytes
            ),
            _ => format!("address {address:#x}, which is in no allocation"),
        }
    }
}

impl DeviceMemory {
    /// Frees everything; addresses are still not reused.
    pub(crate) fn clear(&mut self) {
        for allocation in std::mem::take(&mut self.allocations) {
            self.release(&allocation);
        }
    }
}

impl Drop for DeviceMemory {
    fn drop(&mut self) {
        self.clear();
    }
}

/// Reads an element of 1, 2, 4 or 8 bytes.
///
/// # Safety
/// `at` must point to that many live bytes and be aligned to them.
#[inline(always)]
pub(crate) unsafe fn read(at: *const u8, bytes: usize) -> u64 {
    // SAFETY: as the caller promises.
    unsafe {
        match bytes {
            1 => (*at.cast::<AtomicU8>()).load(Relaxed).into(),
            2 => (*at.cast::<AtomicU16>()).load(Relaxed).into(),
            4 => (*at.cast::<AtomicU32>()).load(Relaxed).into(),
            _ => (*at.cast::<AtomicU64>()).load(Relaxed),
        }
    }
}

/// Writes an element of 1, 2, 4 or 8 bytes.
///
/// # Safety
/// As [`read`].
#[inline(always)]
pub(crate) unsafe fn write(at: *mut u8, bytes: usize, value: u64) {
    // SAFETY: as the caller promises.
    unsafe {
        match bytes {
            1 => (*at.cast::<AtomicU8>()).store(value as u8, Relaxed),
            2 => (*at.cast::<AtomicU16>()).store(value as u16, Relaxed),
            4 => (*at.cast::<AtomicU32>()).store(value as u32, Relaxed),
            _ => (*at.cast::<AtomicU64>()).store(value, Relaxed),
        }
    }
}
