//! `cp.async`: the source is read at once, and the destination is written when the group is waited for.
//!
//! Until then the destination is treated as unwritten, so a read that is too early is reported.

use super::block::Core;
use super::memory;
use super::warp::{Pending, Trap, Warp};
use crate::error::FaultKind;
use crate::program::CopyAsync;
use crate::registers::{Mask, lanes_of};

impl Core<'_> {
    pub(crate) fn copy_async(
        &mut self,
        warp: &mut Warp,
        copy: &CopyAsync,
        mask: Mask,
    ) -> Result<(), Trap> {
        let to = warp.addresses(&copy.to);
        let from = warp.addresses(&copy.from);
        let ignored = match copy.ignore {
            None => 0,
            Some(register) => {
                let bits = warp.registers.predicates[usize::from(register)];
                if copy.ignore_negated { !bits } else { bits }
            }
        };
        for lane in lanes_of(mask) {
            let mut read = copy.bytes;
            if let Some(register) = copy.read {
                read = warp.registers.words[usize::from(register)][lane] as usize;
                if read > copy.bytes {
                    let message =
                        format!("reads {read} bytes, more than the {} it copies", copy.bytes);
                    return Err(Trap::new(lane, message));
                }
            }
            if ignored >> lane & 1 == 1 {
                read = 0;
            }
            self.shared
                .invalidate(Self::actor(warp, lane, false), to[lane], copy.bytes)?;
            let mut data = [0; 16];
            if read > 0 {
                self.read_bytes(lane, from[lane], copy.bytes, &mut data[..read])?;
            }
            warp.pending.push(Pending {
                lane,
                group: warp.committed[lane],
                to: to[lane],
                bytes: copy.bytes,
                data,
            });
        }
        Ok(())
    }

    /// Only the requested bytes need to exist, but the address is aligned for all.
    fn read_bytes(
        &mut self,
        lane: usize,
        from: u64,
        align: usize,
        out: &mut [u8],
    ) -> Result<(), Trap> {
        if !from.is_multiple_of(align as u64) {
            let message = format!("misaligned: copies {align} bytes of global memory at {from:#x}");
            return Err(Trap {
                lane,
                message,
                kind: FaultKind::Misaligned,
            });
        }
        let mut addresses = [0; 32];
        // In one step if all bytes are requested, otherwise byte by byte.
        let step = if out.len() == align { align } else { 1 };
        for (i, part) in out.chunks_exact_mut(step).enumerate() {
            addresses[lane] = from + (i * step) as u64;
            let shifts = self.translate(&addresses, 1 << lane, step, false)?;
            let at = addresses[lane].wrapping_add(shifts[lane]) as *const u8;
            let word = step.min(4);
            for (j, piece) in part.chunks_exact_mut(word).enumerate() {
                // SAFETY: `translate` has checked `step` bytes from here on, and their alignment.
                let value = unsafe { memory::read(at.add(j * word), word) };
                piece.copy_from_slice(&value.to_le_bytes()[..word]);
            }
        }
        addresses[lane] = from;
        self.touch(&addresses, 1 << lane, out.len(), false, false)
    }

    /// Completes all groups of these lanes except the `under_way` newest.
    pub(crate) fn wait_group(
        &mut self,
        warp: &mut Warp,
        under_way: u32,
        mask: Mask,
    ) -> Result<(), Trap> {
        let committed = warp.committed;
        self.complete(warp, |copy| {
            mask >> copy.lane & 1 == 1
                && copy.group < committed[copy.lane].saturating_sub(under_way)
        })
    }

    /// Completes all groups, committed or not.
    pub(crate) fn wait_all(&mut self, warp: &mut Warp, mask: Mask) -> Result<(), Trap> {
        self.complete(warp, |copy| mask >> copy.lane & 1 == 1)
    }

    fn complete(&mut self, warp: &mut Warp, due: impl Fn(&Pending) -> bool) -> Result<(), Trap> {
        let pending = std::mem::take(&mut warp.pending);
        let mut left = Vec::with_capacity(pending.len());
        for copy in pending {
            if due(&copy) {
                let actor = Self::actor(warp, copy.lane, false);
                self.shared
                    .write(actor, copy.to, &copy.data[..copy.bytes])?;
            } else {
                left.push(copy);
            }
        }
        warp.pending = left;
        Ok(())
    }
}
