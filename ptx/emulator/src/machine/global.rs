//! Global memory: addresses are translated and checked for a whole warp at a time.

use super::access::{Addresses, Elements};
use super::block::{Core, Recent};
use super::memory;
use super::warp::Trap;
use crate::error::FaultKind;
use crate::program::Access;
use crate::registers::{LANES, Mask, lanes_of};

impl Core<'_> {
    pub(super) fn load_global(
        &mut self,
        access: &Access,
        addresses: &Addresses,
        mask: Mask,
        out: &mut Elements,
    ) -> Result<(), Trap> {
        let (bytes, count) = (access.ty.bytes(), access.count);
        let shifts = self.translate(addresses, mask, bytes * count, false)?;
        self.touch(addresses, mask, bytes * count, false, access.synchronised)?;
        for (j, element) in out.iter_mut().enumerate().take(count) {
            let offset = (j * bytes) as u64;
            // SAFETY: `translate` has checked bounds and alignment of every lane of the mask.
            macro_rules! gather {
                ($n:literal) => {
                    for lane in lanes_of(mask) {
                        let at = addresses[lane]
                            .wrapping_add(shifts[lane])
                            .wrapping_add(offset);
                        element[lane] = unsafe { memory::read(at as *const u8, $n) };
                    }
                };
            }
            match bytes {
                1 => gather!(1),
                2 => gather!(2),
                4 => gather!(4),
                _ => gather!(8),
            }
        }
        Ok(())
    }

    pub(super) fn store_global(
        &mut self,
        access: &Access,
        addresses: &Addresses,
        mask: Mask,
        values: &Elements,
    ) -> Result<(), Trap> {
        let (bytes, count) = (access.ty.bytes(), access.count);
        let shifts = self.translate(addresses, mask, bytes * count, true)?;
        self.touch(addresses, mask, bytes * count, true, access.synchronised)?;
        for (j, element) in values.iter().enumerate().take(count) {
            let offset = (j * bytes) as u64;
            for lane in lanes_of(mask) {
                let at = addresses[lane]
                    .wrapping_add(shifts[lane])
                    .wrapping_add(offset);
                // SAFETY: `translate` has checked bounds and alignment of every lane of the mask.
                unsafe { memory::write(at as *mut u8, bytes, element[lane]) }
            }
        }
        Ok(())
    }

    /// The difference between each lane's address and the host pointer, after all are checked.
    pub(crate) fn translate(
        &mut self,
        addresses: &Addresses,
        mask: Mask,
        bytes: usize,
        write: bool,
    ) -> Result<Addresses, Trap> {
        let bytes = bytes as u64;
        // Most warps stay within one allocation, the last one they accessed.
        let recent = self.recent;
        let (mut bad, last) = (false, recent.bytes.wrapping_sub(bytes));
        if recent.bytes >= bytes && !(write && recent.constant) {
            for (lane, address) in addresses.iter().enumerate() {
                let inside =
                    address.wrapping_sub(recent.start) <= last && address & (bytes - 1) == 0;
                bad |= !inside && mask >> lane & 1 == 1;
            }
            if !bad {
                return Ok([recent.shift; LANES]);
            }
        }
        let mut shifts = [0; LANES];
        for lane in lanes_of(mask) {
            shifts[lane] = self.translate_one(lane, addresses[lane], bytes, write)?;
        }
        Ok(shifts)
    }

    fn translate_one(
        &mut self,
        lane: usize,
        address: u64,
        bytes: u64,
        write: bool,
    ) -> Result<u64, Trap> {
        let verb = if write { "writes" } else { "reads" };
        let memory = self.launch.memory;
        let Some(found) = memory.find(address, bytes) else {
            let place = memory.describe(address);
            let message =
                format!("{verb} {bytes} bytes out of bounds of global memory, at {place}");
            return Err(Trap::address(lane, message));
        };
        if !address.is_multiple_of(bytes) {
            let message =
                format!("misaligned: {verb} {bytes} bytes of global memory at {address:#x}");
            return Err(Trap {
                lane,
                message,
                kind: FaultKind::Misaligned,
            });
        }
        if write && found.constant {
            return Err(Trap::address(lane, "writes to a .const variable"));
        }
        let shift = (found.data as u64).wrapping_sub(found.start);
        self.recent = Recent {
            start: found.start,
            bytes: found.bytes,
            shift,
            constant: found.constant,
        };
        Ok(shift)
    }

    /// Records the access if blocks are checked against each other.
    pub(crate) fn touch(
        &mut self,
        addresses: &Addresses,
        mask: Mask,
        bytes: usize,
        write: bool,
        synchronised: bool,
    ) -> Result<(), Trap> {
        let Some(touches) = self.launch.touches else {
            return Ok(());
        };
        let Ok(mut touches) = touches.lock() else {
            return Ok(());
        };
        let forgiving = synchronised || (!write && self.did_atomic);
        for lane in lanes_of(mask) {
            touches
                .note(addresses[lane], bytes, self.number, write, forgiving)
                .map_err(|message| Trap::new(lane, message))?;
        }
        Ok(())
    }
}
