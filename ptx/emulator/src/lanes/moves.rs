//! Copies between registers: whole, in parts, between the files.

use super::{LaneFn, unary};
use crate::registers::{LANES, Lane, Mask, Operands, Registers};
use crate::types::Class;

/// `d = a`, both of one class.
pub(crate) fn copy(class: Class) -> LaneFn {
    match class {
        Class::Word => unary(|a: u32| a),
        Class::Double => unary(|a: u64| a),
        Class::Predicate => Box::new(
            |registers: &mut Registers, operands: &Operands, mask: Mask| {
                let value = registers.predicate(operands, 0);
                registers.set_predicate(operands.results[0], value, mask);
            },
        ),
    }
}

/// The low word of a double.
pub(crate) fn narrow() -> LaneFn {
    unary(|a: u64| a as u32)
}

/// A word in a double, sign-extended if signed.
pub(crate) fn widen(signed: bool) -> LaneFn {
    if signed {
        unary(|a: i32| i64::from(a))
    } else {
        unary(|a: u32| u64::from(a))
    }
}

/// `bits` bits of `a` from bit `shift` on, into a word or (`bits` = 64) a double.
pub(crate) fn part(whole: Class, shift: u32, bits: u32) -> LaneFn {
    let ones = if bits >= 32 {
        u32::MAX
    } else {
        (1 << bits) - 1
    };
    match whole {
        Class::Double => unary(move |a: u64| (a >> shift) as u32 & ones),
        _ => unary(move |a: u32| a >> shift & ones),
    }
}

/// The sources side by side, the first lowest.
pub(crate) fn join(whole: Class, parts: usize, bits: u32) -> LaneFn {
    let ones = if bits >= 32 {
        u32::MAX
    } else {
        (1 << bits) - 1
    };
    Box::new(
        move |registers: &mut Registers, operands: &Operands, mask: Mask| {
            let mut out = [0; LANES];
            for (i, &source) in operands.sources[..parts].iter().enumerate() {
                let part = u32::file(registers, source);
                for lane in 0..LANES {
                    out[lane] |= u64::from(part[lane] & ones) << (i as u32 * bits);
                }
            }
            match whole {
                Class::Double => registers.set_doubles(operands.results[0], &out, mask),
                _ => registers.set_words(operands.results[0], &out.map(|v| v as u32), mask),
            }
        },
    )
}

/// `a` plus a constant, for the windows of generic addresses.
pub(crate) fn add(constant: u64) -> LaneFn {
    unary(move |a: u64| a.wrapping_add(constant))
}
