//! Working memory of a thread: takes a size and gives the address of at least that many bytes.
//!
//! It grows to the largest request and is kept, so that repeated calls do not allocate. There are two blocks, so that
//! the parts of a call that uses one can use the other.

use std::cell::RefCell;

use super::CpuBuffer;

type Block = RefCell<Option<CpuBuffer>>;

thread_local! {
    static SCRATCH: [Block; 2] = const { [const { RefCell::new(None) }; 2] };
}

/// Calls `f` with the address of `bytes` bytes aligned to 64, with undefined contents. `None` when out of memory or
/// when callers of this call use both blocks.
pub(crate) fn with<T>(bytes: usize, f: impl FnOnce(*mut u8) -> T) -> Option<T> {
    let run = |blocks: &[Block; 2]| {
        let mut scratch = blocks.iter().find_map(|b| b.try_borrow_mut().ok())?;
        if scratch.as_ref().is_none_or(|s| s.bytes() < bytes) {
            *scratch = Some(CpuBuffer::zeroed(
                bytes.checked_next_power_of_two()?.max(4096),
            )?);
        }
        scratch.as_ref().map(|s| f(s.start()))
    };
    // A thread that is ending has no scratch memory.
    SCRATCH.try_with(run).ok().flatten()
}
