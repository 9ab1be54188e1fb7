//! Arithmetic with the carry flag: `add.cc`, `addc`, `sub.cc`, `subc`, `mad.cc`, `madc`.

use super::opcode::{Opcode, unknown_type};
use super::{Found, LaneFn, instruction};
use crate::registers::{CARRY, LANES, Lane, Mask, Operands, Registers};
use crate::types::Type;

/// Whether an instruction reads and writes `CC.CF`.
#[derive(Clone, Copy)]
struct Flags {
    reads: bool,
    writes: bool,
}

pub(super) fn find(opcode: &Opcode) -> Found {
    let writes = opcode.has("cc");
    let flags = match opcode.name() {
        "addc" | "subc" | "madc" => Flags {
            reads: true,
            writes,
        },
        "add" | "sub" | "mad" if writes => Flags {
            reads: false,
            writes,
        },
        _ => return Ok(None),
    };
    opcode.take("cc");
    let ty = opcode.one_type()?;
    let is_64 = match ty {
        Type::U32 | Type::S32 | Type::B32 => false,
        Type::U64 | Type::S64 | Type::B64 => true,
        _ => return unknown_type(opcode, ty),
    };
    let subtract = opcode.name().starts_with("sub");
    if !opcode.name().starts_with("mad") {
        let run = match is_64 {
            false => step::<u32, 2>(flags, move |[a, b], carry| sum_32(a, b, carry, subtract)),
            true => step::<u64, 2>(flags, move |[a, b], carry| sum_64(a, b, carry, subtract)),
        };
        return instruction(run, ty, &[ty, ty]);
    }
    let Some(part) = opcode.take_any(&["lo", "hi"]) else {
        return Err("an integer product needs .lo or .hi".to_string());
    };
    let (high, signed) = (part == "hi", ty.is_signed());
    let run = match is_64 {
        false => step::<u32, 3>(flags, move |[a, b, c], carry| {
            let product = if signed {
                (i64::from(a as i32) * i64::from(b as i32)) as u64
            } else {
                u64::from(a) * u64::from(b)
            };
            sum_32(
                (product >> if high { 32 } else { 0 }) as u32,
                c,
                carry,
                false,
            )
        }),
        true => step::<u64, 3>(flags, move |[a, b, c], carry| {
            let product = if signed {
                (i128::from(a as i64) * i128::from(b as i64)) as u128
            } else {
                u128::from(a) * u128::from(b)
            };
            sum_64(
                (product >> if high { 64 } else { 0 }) as u64,
                c,
                carry,
                false,
            )
        }),
    };
    instruction(run, ty, &[ty, ty, ty])
}

/// Sum and carry, or difference and borrow.
fn sum_32(a: u32, b: u32, carry: bool, subtract: bool) -> (u32, bool) {
    let wide = if subtract {
        u64::from(a)
            .wrapping_sub(u64::from(b))
            .wrapping_sub(u64::from(carry))
    } else {
        u64::from(a) + u64::from(b) + u64::from(carry)
    };
    (wide as u32, wide >> 32 & 1 == 1)
}

fn sum_64(a: u64, b: u64, carry: bool, subtract: bool) -> (u64, bool) {
    let wide = if subtract {
        u128::from(a)
            .wrapping_sub(u128::from(b))
            .wrapping_sub(u128::from(carry))
    } else {
        u128::from(a) + u128::from(b) + u128::from(carry)
    };
    (wide as u64, wide >> 64 & 1 == 1)
}

/// Lifts a scalar step to the lanes, which reads and writes the flag as requested.
fn step<T: Lane<Raw = T>, const N: usize>(
    flags: Flags,
    f: impl Fn([T; N], bool) -> (T, bool) + Send + Sync + 'static,
) -> LaneFn {
    Box::new(
        move |registers: &mut Registers, operands: &Operands, mask: Mask| {
            let flag = registers.predicates[usize::from(CARRY)];
            let carry_in = if flags.reads { flag } else { 0 };
            let (mut out, mut carry_out) = (*T::file(registers, operands.sources[0]), 0);
            for (lane, slot) in out.iter_mut().enumerate().take(LANES) {
                let arguments =
                    std::array::from_fn(|i| T::file(registers, operands.sources[i])[lane]);
                let (value, carry) = f(arguments, carry_in >> lane & 1 == 1);
                *slot = value;
                carry_out |= u32::from(carry) << lane;
            }
            crate::registers::merge(T::file_mut(registers, operands.results[0]), &out, mask);
            if flags.writes {
                registers.set_predicate(CARRY, carry_out, mask);
            }
        },
    )
}
