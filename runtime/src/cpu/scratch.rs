//! Working memory of a thread: a size in, the address of at least so many bytes out.
//!
//! It grows to the largest request and is kept, so that repeated calls do not allocate. There are two
//! blocks, so that what a call hands out in parts can need some of its own.

use std::cell::RefCell;

use super::CpuBuffer;

type Block = RefCell<Option<CpuBuffer>>;

thread_local! {
    static SCRATCH: [Block; 2] = const { [const { RefCell::new(None) }; 2] };
}

/// Calls `f` with the address of `bytes` bytes aligned to 64, of any content; `None` when memory
/// is out or when both blocks are in use by callers of this call.
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
    // A thread that is ending has no scratch any more.
    SCRATCH.try_with(run).ok().flatten()
}
