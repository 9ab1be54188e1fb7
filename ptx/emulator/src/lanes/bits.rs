//! Bit operations: logic, shifts, fields, counts, byte permutation.

use super::opcode::{Opcode, unknown_type};
use super::{Found, LaneFn, LaneInstruction, binary, instruction, quaternary, ternary, unary};
use crate::registers::{Mask, Operands, Registers};
use crate::types::Type;

pub(super) fn find(opcode: &Opcode) -> Found {
    match opcode.name() {
        "and" | "or" | "xor" | "not" => logic(opcode),
        "shl" | "shr" => shift(opcode),
        "shf" => funnel(opcode),
        "bfe" | "bfi" => field(opcode),
        "popc" | "clz" | "brev" | "bfind" => count(opcode),
        "prmt" => permute(opcode),
        "lop3" => {
            let ty = opcode.one_type()?;
            if ty != Type::B32 {
                return unknown_type(opcode, ty);
            }
            let run = quaternary(|a: u32, b: u32, c: u32, table: u32| {
                // Bit 4a+2b+c of the table is the result for that combination of bits.
                (0..8).filter(|i| table >> i & 1 == 1).fold(0, |out, i| {
                    let pick = |bit: u32, x: u32| if i >> bit & 1 == 1 { x } else { !x };
                    out | (pick(2, a) & pick(1, b) & pick(0, c))
                })
            });
            instruction(run, ty, &[ty, ty, ty, Type::U32])
        }
        _ => Ok(None),
    }
}

fn logic(opcode: &Opcode) -> Found {
    let ty = opcode.one_type()?;
    if ty == Type::Pred {
        return predicate_logic(opcode);
    }
    macro_rules! each {
        ($T:ty) => {
            match opcode.name() {
                "and" => binary(|a: $T, b: $T| a & b),
                "or" => binary(|a: $T, b: $T| a | b),
                "xor" => binary(|a: $T, b: $T| a ^ b),
                _ => unary(|a: $T| !a),
            }
        };
    }
    let run = match ty {
        Type::B16 => each!(u16),
        Type::B32 => each!(u32),
        Type::B64 => each!(u64),
        _ => return unknown_type(opcode, ty),
    };
    let sources = if opcode.name() == "not" { 1 } else { 2 };
    instruction(run, ty, &[ty; 2][..sources])
}

fn predicate_logic(opcode: &Opcode) -> Found {
    let f: fn(Mask, Mask) -> Mask = match opcode.name() {
        "and" => |a, b| a & b,
        "or" => |a, b| a | b,
        "xor" => |a, b| a ^ b,
        _ => |a, _| !a,
    };
    let is_unary = opcode.name() == "not";
    let run: LaneFn = Box::new(
        move |registers: &mut Registers, operands: &Operands, mask: Mask| {
            let a = registers.predicate(operands, 0);
            let b = if is_unary {
                0
            } else {
                registers.predicate(operands, 1)
            };
            registers.set_predicate(operands.results[0], f(a, b), mask);
        },
    );
    let sources = if is_unary {
        vec![Type::Pred]
    } else {
        vec![Type::Pred; 2]
    };
    Ok(Some(LaneInstruction {
        run,
        results: vec![Type::Pred],
        sources,
    }))
}

/// Shifts by the width or more give zero, or the sign in all bits: the amount is not taken modulo the width.
fn shift(opcode: &Opcode) -> Found {
    let ty = opcode.one_type()?;
    macro_rules! left {
        ($T:ty) => {
            binary(|a: $T, n: u32| a.checked_shl(n).unwrap_or(0))
        };
    }
    macro_rules! right {
        ($T:ty) => {
            binary(|a: $T, n: u32| a.checked_shr(n).unwrap_or(0))
        };
    }
    macro_rules! right_signed {
        ($T:ty) => {
            binary(|a: $T, n: u32| a >> n.min(<$T>::BITS - 1))
        };
    }
    let run = match (opcode.name(), ty) {
        ("shl", Type::B16) => left!(u16),
        ("shl", Type::B32) => left!(u32),
        ("shl", Type::B64) => left!(u64),
        ("shr", Type::U16 | Type::B16) => right!(u16),
        ("shr", Type::U32 | Type::B32) => right!(u32),
        ("shr", Type::U64 | Type::B64) => right!(u64),
        ("shr", Type::S16) => right_signed!(i16),
        ("shr", Type::S32) => right_signed!(i32),
        ("shr", Type::S64) => right_signed!(i64),
        _ => return unknown_type(opcode, ty),
    };
    instruction(run, ty, &[ty, Type::U32])
}

/// `shf`: a 32-bit window into the 64 bits `b:a`.
fn funnel(opcode: &Opcode) -> Found {
    let ty = opcode.one_type()?;
    let left = match opcode.take_any(&["l", "r"]) {
        Some(side) => side == "l",
        None => return Err("shf needs .l or .r".to_string()),
    };
    let clamp = match opcode.take_any(&["clamp", "wrap"]) {
        Some(mode) => mode == "clamp",
        None => return Err("shf needs .clamp or .wrap".to_string()),
    };
    let run = ternary(move |a: u32, b: u32, c: u32| {
        let n = if clamp { c.min(32) } else { c & 31 };
        let both = u64::from(b) << 32 | u64::from(a);
        if left {
            ((both << n) >> 32) as u32
        } else {
            (both >> n) as u32
        }
    });
    instruction(run, ty, &[ty, ty, Type::U32])
}

fn field(opcode: &Opcode) -> Found {
    let ty = opcode.one_type()?;
    if opcode.name() == "bfi" {
        let run = match ty {
            Type::B32 => quaternary(|a: u32, b: u32, position: u32, length: u32| {
                insert(
                    u64::from(a),
                    u64::from(b),
                    position & 0xff,
                    length & 0xff,
                    32,
                ) as u32
            }),
            Type::B64 => quaternary(|a: u64, b: u64, position: u32, length: u32| {
                insert(a, b, position & 0xff, length & 0xff, 64)
            }),
            _ => return unknown_type(opcode, ty),
        };
        return instruction(run, ty, &[ty, ty, Type::U32, Type::U32]);
    }
    let signed = ty.is_signed();
    let run = match ty {
        Type::U32 | Type::S32 => ternary(move |a: u32, position: u32, length: u32| {
            let wide = if signed {
                i64::from(a as i32) as u64
            } else {
                u64::from(a)
            };
            extract(wide, position & 0xff, length & 0xff, 32, signed) as u32
        }),
        Type::U64 | Type::S64 => ternary(move |a: u64, position: u32, length: u32| {
            extract(a, position & 0xff, length & 0xff, 64, signed)
        }),
        _ => return unknown_type(opcode, ty),
    };
    instruction(run, ty, &[ty, Type::U32, Type::U32])
}

fn insert(a: u64, b: u64, position: u32, length: u32, width: u32) -> u64 {
    let ones = if length >= 64 {
        u64::MAX
    } else {
        (1 << length) - 1
    };
    let (ones, value) = (
        ones.checked_shl(position).unwrap_or(0),
        a.checked_shl(position).unwrap_or(0),
    );
    let out = (b & !ones) | (value & ones);
    if width == 32 { out & 0xffff_ffff } else { out }
}

/// The field's bits beyond the value repeat the sign: that of the field's last bit inside the value.
fn extract(a: u64, position: u32, length: u32, width: u32, signed: bool) -> u64 {
    let last = width - 1;
    let sign = signed && length > 0 && a >> (position + length - 1).min(last) & 1 == 1;
    let mut out = if sign { u64::MAX } else { 0 };
    for i in 0..length.min(width) {
        if position + i <= last {
            let bit = a >> (position + i) & 1;
            out = (out & !(1 << i)) | bit << i;
        }
    }
    out
}

fn count(opcode: &Opcode) -> Found {
    let ty = opcode.one_type()?;
    let shift_amount = opcode.take("shiftamt");
    let run = match (opcode.name(), ty) {
        ("popc", Type::B32) => unary(|a: u32| a.count_ones()),
        ("popc", Type::B64) => unary(|a: u64| a.count_ones()),
        ("clz", Type::B32) => unary(|a: u32| a.leading_zeros()),
        ("clz", Type::B64) => unary(|a: u64| a.leading_zeros()),
        ("brev", Type::B32) => return instruction(unary(u32::reverse_bits), ty, &[ty]),
        ("brev", Type::B64) => return instruction(unary(u64::reverse_bits), ty, &[ty]),
        ("bfind", Type::U32) => unary(move |a: u32| leading(u64::from(a), 32, shift_amount)),
        ("bfind", Type::U64) => unary(move |a: u64| leading(a, 64, shift_amount)),
        // The first bit that differs from the sign.
        ("bfind", Type::S32) => unary(move |a: i32| {
            leading(
                u64::from((if a < 0 { !a } else { a }) as u32),
                32,
                shift_amount,
            )
        }),
        ("bfind", Type::S64) => {
            unary(move |a: i64| leading((if a < 0 { !a } else { a }) as u64, 64, shift_amount))
        }
        _ => return unknown_type(opcode, ty),
    };
    instruction(run, Type::U32, &[ty])
}

fn leading(a: u64, width: u32, shift_amount: bool) -> u32 {
    match a.checked_ilog2() {
        None => u32::MAX,
        Some(bit) if shift_amount => width - 1 - bit,
        Some(bit) => bit,
    }
}

fn permute(opcode: &Opcode) -> Found {
    let ty = opcode.one_type()?;
    let mode = opcode.take_any(&["f4e", "b4e", "rc8", "ecl", "ecr", "rc16"]);
    let run: LaneFn = match mode {
        None => ternary(|a: u32, b: u32, control: u32| assemble(a, b, |i| control >> (4 * i) & 15)),
        // The other modes are fixed selections, chosen by the low two bits of the control.
        Some("f4e") => ternary(|a: u32, b: u32, n: u32| assemble(a, b, |i| (n & 3) + i)),
        Some("b4e") => ternary(|a: u32, b: u32, n: u32| assemble(a, b, |i| ((n & 3) + 8 - i) & 7)),
        Some("rc8") => ternary(|a: u32, b: u32, n: u32| assemble(a, b, |_| n & 3)),
        Some("ecl") => ternary(|a: u32, b: u32, n: u32| assemble(a, b, |i| i.max(n & 3))),
        Some("ecr") => ternary(|a: u32, b: u32, n: u32| assemble(a, b, |i| i.min(n & 3))),
        Some(_) => ternary(|a: u32, b: u32, n: u32| assemble(a, b, |i| (n & 1) * 2 + (i & 1))),
    };
    instruction(run, ty, &[ty, ty, Type::U32])
}

/// Four bytes out of the eight of `b:a`; selector bit 3 repeats the byte's sign instead.
fn assemble(a: u32, b: u32, selector: impl Fn(u32) -> u32) -> u32 {
    let both = u64::from(b) << 32 | u64::from(a);
    (0..4).fold(0, |out, i| {
        let select = selector(i);
        let byte = (both >> (8 * (select & 7))) as u8;
        let byte = if select & 8 != 0 {
            ((byte as i8) >> 7) as u8
        } else {
            byte
        };
        out | u32::from(byte) << (8 * i)
    })
}
