//! Loads and stores, between registers and a state space. Shared memory is here; see `global` and `own` for the others.

use super::block::Core;
use super::warp::{Trap, Warp};
use super::{LOCAL_WINDOW, SHARED_WINDOW, WINDOW_BYTES};
use crate::program::Access;
use crate::registers::{LANES, Mask, lanes_of};
use crate::syntax::ast::Space;
use crate::types::Class;

pub(super) type Addresses = [u64; LANES];
/// Up to four elements of each lane.
pub(super) type Elements = [Addresses; 4];

impl Core<'_> {
    pub(crate) fn load(
        &mut self,
        warp: &mut Warp,
        access: &Access,
        mask: Mask,
    ) -> Result<(), Trap> {
        let addresses = warp.addresses(&access.address);
        let mut out: Elements = [[0; LANES]; 4];
        let out = &mut out;
        match access.space {
            Space::Shared => self.load_shared(warp, access, &addresses, mask, out)?,
            Space::Local => self.load_local(warp, access, &addresses, mask, out)?,
            Space::Param => self.load_parameter(access, &addresses, mask, out)?,
            Space::Global | Space::Const => self.load_global(access, &addresses, mask, out)?,
            Space::Generic => {
                for (space, addresses, part) in spaces(access.space, addresses, mask) {
                    match space {
                        _ if part == 0 => {}
                        Space::Shared => self.load_shared(warp, access, &addresses, part, out)?,
                        Space::Local => self.load_local(warp, access, &addresses, part, out)?,
                        _ => self.load_global(access, &addresses, part, out)?,
                    }
                }
            }
        }
        let bytes = access.ty.bytes();
        for (element, &register) in out.iter().zip(&access.registers).take(access.count) {
            if access.ty.class() == Class::Double {
                warp.registers.set_doubles(register, element, mask);
                continue;
            }
            let shift = 32 - 8 * bytes as u32;
            let shift = if access.ty.is_signed() { shift } else { 0 };
            let mut words = [0; LANES];
            for lane in 0..LANES {
                words[lane] = (((element[lane] as u32) << shift) as i32 >> shift) as u32;
            }
            warp.registers.set_words(register, &words, mask);
        }
        Ok(())
    }

    pub(crate) fn store(
        &mut self,
        warp: &mut Warp,
        access: &Access,
        mask: Mask,
    ) -> Result<(), Trap> {
        let addresses = warp.addresses(&access.address);
        let mut values: Elements = [[0; LANES]; 4];
        for (element, &register) in values.iter_mut().zip(&access.registers).take(access.count) {
            if access.ty.class() == Class::Double {
                *element = warp.registers.doubles[usize::from(register)];
            } else {
                let words = &warp.registers.words[usize::from(register)];
                for lane in 0..LANES {
                    element[lane] = words[lane].into();
                }
            }
        }
        let values = &values;
        match access.space {
            Space::Shared => self.store_shared(warp, access, &addresses, mask, values),
            Space::Local => self.store_local(warp, access, &addresses, mask, values),
            Space::Generic => {
                for (space, addresses, part) in spaces(access.space, addresses, mask) {
                    match space {
                        _ if part == 0 => {}
                        Space::Shared => {
                            self.store_shared(warp, access, &addresses, part, values)?
                        }
                        Space::Local => self.store_local(warp, access, &addresses, part, values)?,
                        _ => self.store_global(access, &addresses, part, values)?,
                    }
                }
                Ok(())
            }
            _ => self.store_global(access, &addresses, mask, values),
        }
    }

    fn load_shared(
        &mut self,
        warp: &Warp,
        access: &Access,
        addresses: &Addresses,
        mask: Mask,
        out: &mut Elements,
    ) -> Result<(), Trap> {
        let bytes = access.ty.bytes();
        for lane in lanes_of(mask) {
            let actor = Self::actor(warp, lane, access.synchronised);
            let data = self
                .shared
                .read(actor, addresses[lane], bytes * access.count)?;
            for j in 0..access.count {
                out[j][lane] = number(&data[j * bytes..(j + 1) * bytes]);
            }
        }
        Ok(())
    }

    fn store_shared(
        &mut self,
        warp: &Warp,
        access: &Access,
        addresses: &Addresses,
        mask: Mask,
        values: &Elements,
    ) -> Result<(), Trap> {
        let bytes = access.ty.bytes();
        for lane in lanes_of(mask) {
            let data = gathered(values, lane, bytes, access.count);
            let actor = Self::actor(warp, lane, access.synchronised);
            self.shared
                .write(actor, addresses[lane], &data[..bytes * access.count])?;
        }
        Ok(())
    }
}

/// Divides generic accesses by the window of each lane's address.
pub(super) fn spaces(
    space: Space,
    addresses: Addresses,
    mask: Mask,
) -> impl Iterator<Item = (Space, Addresses, Mask)> {
    let mut parts = [
        (space, addresses, mask),
        (space, addresses, 0),
        (space, addresses, 0),
    ];
    if space == Space::Generic {
        let within = |window: u64| {
            lanes_of(mask)
                .filter(|&l| addresses[l].wrapping_sub(window) < WINDOW_BYTES)
                .fold(0, |m, l| m | 1 << l)
        };
        let (shared, local) = (within(SHARED_WINDOW), within(LOCAL_WINDOW));
        let rebased = |window: u64| addresses.map(|a| a.wrapping_sub(window));
        parts = [
            (Space::Global, addresses, mask & !shared & !local),
            (Space::Shared, rebased(SHARED_WINDOW), shared),
            (Space::Local, rebased(LOCAL_WINDOW), local),
        ];
    }
    let count = if space == Space::Generic { 3 } else { 1 };
    parts.into_iter().take(count)
}

/// Little-endian bytes as a number.
#[inline(always)]
pub(super) fn number(bytes: &[u8]) -> u64 {
    match *bytes {
        [a, b, c, d] => u32::from_le_bytes([a, b, c, d]).into(),
        [a, b, c, d, e, f, g, h] => u64::from_le_bytes([a, b, c, d, e, f, g, h]),
        [a, b] => u16::from_le_bytes([a, b]).into(),
        [a] => a.into(),
        _ => 0,
    }
}

/// The elements of one lane side by side.
#[inline(always)]
pub(super) fn gathered(values: &Elements, lane: usize, bytes: usize, count: usize) -> [u8; 16] {
    let mut out = [0; 16];
    for (chunk, element) in out.chunks_exact_mut(bytes).zip(values).take(count) {
        chunk.copy_from_slice(&element[lane].to_le_bytes()[..bytes]);
    }
    out
}
