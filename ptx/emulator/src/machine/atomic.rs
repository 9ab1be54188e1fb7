//! `atom` and `red`: one lane after the other, lowest first, so results are deterministic.

use super::access::spaces;
use super::block::Core;
use super::memory;
use super::warp::{Trap, Warp};
use crate::program::{Atomic, Reduction};
use crate::registers::{LANES, Mask, lanes_of};
use crate::syntax::ast::Space;
use crate::types::{Class, Type};

/// Whether [`combine`] supports the operation on this type.
pub(crate) fn is_known(operation: Reduction, ty: Type) -> bool {
    use Reduction::*;
    match ty {
        Type::F32 | Type::F64 => operation == Add,
        Type::F16x2 | Type::Bf16x2 => operation == Add,
        Type::B32 | Type::B64 => {
            matches!(operation, And | Or | Xor | Exchange | CompareAndSwap)
        }
        Type::U32 => !matches!(operation, Count),
        Type::S32 | Type::U64 | Type::S64 => !matches!(operation, Count | Increment | Decrement),
        _ => false,
    }
}

/// The new value of a cell.
fn combine(operation: Reduction, ty: Type, old: u64, value: u64, other: u64) -> u64 {
    use Reduction::*;
    let (old32, value32) = (old as u32, value as u32);
    match (operation, ty) {
        (Add, Type::F32) => (f32::from_bits(old32) + f32::from_bits(value32))
            .to_bits()
            .into(),
        (Add, Type::F64) => (f64::from_bits(old) + f64::from_bits(value)).to_bits(),
        (Add, Type::F16x2 | Type::Bf16x2) => crate::lanes::add_pair(ty, old32, value32).into(),
        (Add, _) => old.wrapping_add(value),
        (Min, Type::S32) => (old32 as i32).min(value32 as i32) as u32 as u64,
        (Max, Type::S32) => (old32 as i32).max(value32 as i32) as u32 as u64,
        (Min, Type::S64) => (old as i64).min(value as i64) as u64,
        (Max, Type::S64) => (old as i64).max(value as i64) as u64,
        (Min, _) => old.min(value),
        (Max, _) => old.max(value),
        (And, _) => old & value,
        (Or, _) => old | value,
        (Xor, _) => old ^ value,
        // Counters from 0 to the value, which then wrap around.
        (Increment, _) => {
            if old >= value {
                0
            } else {
                old + 1
            }
        }
        (Decrement, _) => {
            if old == 0 || old > value {
                value
            } else {
                old - 1
            }
        }
        (Exchange, _) => value,
        (CompareAndSwap, _) => {
            if old == value {
                other
            } else {
                old
            }
        }
        (Count, _) => old,
    }
}

impl Core<'_> {
    pub(crate) fn atomic(
        &mut self,
        warp: &mut Warp,
        atomic: &Atomic,
        mask: Mask,
    ) -> Result<(), Trap> {
        let addresses = warp.addresses(&atomic.address);
        let wide = atomic.ty.class() == Class::Double;
        let values = atomic.sources.map(|register| {
            if wide {
                warp.registers.doubles[usize::from(register)]
            } else {
                warp.registers.words[usize::from(register)].map(u64::from)
            }
        });
        let bytes = atomic.ty.bytes();
        let mut before = [0; LANES];
        for (space, addresses, part) in spaces(atomic.space, addresses, mask) {
            if part == 0 {
                continue;
            }
            let new = |lane: usize, old: u64| {
                combine(
                    atomic.operation,
                    atomic.ty,
                    old,
                    values[0][lane],
                    values[1][lane],
                )
            };
            match space {
                Space::Shared => {
                    for lane in lanes_of(part) {
                        let actor = Self::actor(warp, lane, true);
                        let data = self.shared.read(actor, addresses[lane], bytes)?;
                        let mut old = [0; 8];
                        old[..bytes].copy_from_slice(data);
                        before[lane] = u64::from_le_bytes(old);
                        let value = new(lane, before[lane]).to_le_bytes();
                        self.shared.write(actor, addresses[lane], &value[..bytes])?;
                    }
                }
                Space::Local => {
                    let lane = part.trailing_zeros() as usize;
                    return Err(Trap::new(lane, "an atomic on local memory"));
                }
                _ => {
                    let shifts = self.translate(&addresses, part, bytes, true)?;
                    self.did_atomic = true;
                    self.touch(&addresses, part, bytes, true, true)?;
                    for lane in lanes_of(part) {
                        let at = addresses[lane].wrapping_add(shifts[lane]) as *mut u8;
                        // SAFETY: `translate` has checked the lane; blocks that do atomics run one after the other, so
                        // there is nothing between read and write.
                        unsafe {
                            before[lane] = memory::read(at, bytes);
                            memory::write(at, bytes, new(lane, before[lane]));
                        }
                    }
                }
            }
        }
        if let Some(result) = atomic.result {
            if wide {
                warp.registers.set_doubles(result, &before, mask);
            } else {
                warp.registers
                    .set_words(result, &before.map(|v| v as u32), mask);
            }
        }
        Ok(())
    }
}
