//! A thread's own memory: local variables, and the parameters of the kernel.

use super::access::{Addresses, Elements, gathered, number};
use super::block::Core;
use super::warp::{Trap, Warp};
use crate::error::FaultKind;
use crate::program::Access;
use crate::registers::{LANES, Mask, lanes_of};

impl Core<'_> {
    /// The range in `local` of an access by one thread.
    fn local_range(
        &self,
        warp: &Warp,
        lane: usize,
        address: u64,
        bytes: usize,
    ) -> Result<std::ops::Range<usize>, Trap> {
        let size = self.launch.kernel.local_bytes;
        if address
            .checked_add(bytes as u64)
            .is_none_or(|end| end > size as u64)
        {
            let message = format!(
                "{bytes} bytes out of bounds, at offset {} of {size} bytes of local memory",
                address as i64
            );
            return Err(Trap::address(lane, message));
        }
        if !address.is_multiple_of(bytes as u64) {
            let message = format!("misaligned: {bytes} bytes of local memory at {address:#x}");
            return Err(Trap {
                lane,
                message,
                kind: FaultKind::Misaligned,
            });
        }
        let at = (warp.index * LANES + lane) * size + address as usize;
        Ok(at..at + bytes)
    }

    pub(super) fn load_local(
        &self,
        warp: &Warp,
        access: &Access,
        addresses: &Addresses,
        mask: Mask,
        out: &mut Elements,
    ) -> Result<(), Trap> {
        let bytes = access.ty.bytes();
        for lane in lanes_of(mask) {
            let range = self.local_range(warp, lane, addresses[lane], bytes * access.count)?;
            for (j, data) in self.local[range].chunks_exact(bytes).enumerate() {
                out[j][lane] = number(data);
            }
        }
        Ok(())
    }

    pub(super) fn store_local(
        &mut self,
        warp: &Warp,
        access: &Access,
        addresses: &Addresses,
        mask: Mask,
        values: &Elements,
    ) -> Result<(), Trap> {
        let bytes = access.ty.bytes();
        for lane in lanes_of(mask) {
            let range = self.local_range(warp, lane, addresses[lane], bytes * access.count)?;
            let data = gathered(values, lane, bytes, access.count);
            self.local[range].copy_from_slice(&data[..bytes * access.count]);
        }
        Ok(())
    }

    pub(super) fn load_parameter(
        &self,
        access: &Access,
        addresses: &Addresses,
        mask: Mask,
        out: &mut Elements,
    ) -> Result<(), Trap> {
        let bytes = access.ty.bytes();
        let total = bytes * access.count;
        let parameters = self.launch.parameters;
        let (start, end) = access
            .address
            .bounds
            .unwrap_or((0, parameters.len() as u64));
        for lane in lanes_of(mask) {
            let at = addresses[lane];
            if at < start || at.checked_add(total as u64).is_none_or(|e| e > end) {
                let message = format!(
                    "reads {total} bytes out of bounds of its parameter, at offset {} of {} bytes",
                    at.wrapping_sub(start) as i64,
                    end - start
                );
                return Err(Trap::address(lane, message));
            }
            if !at.is_multiple_of(total as u64) {
                let message = format!("misaligned: reads {total} bytes of parameters at {at:#x}");
                return Err(Trap {
                    lane,
                    message,
                    kind: FaultKind::Misaligned,
                });
            }
            let at = at as usize;
            for (j, data) in parameters[at..at + total].chunks_exact(bytes).enumerate() {
                out[j][lane] = number(data);
            }
        }
        Ok(())
    }
}
