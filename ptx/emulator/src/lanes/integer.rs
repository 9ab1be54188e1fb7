//! Integer arithmetic of 16, 32 and 64 bits: wraps around, except with `.sat`.

use super::opcode::{Opcode, unknown_type};
use super::{Found, binary, instruction, ternary, unary};
use crate::types::Type;

/// Builds the same instruction for each width and signedness; `.b` is treated as unsigned.
macro_rules! each {
    ($opcode:ident, $ty:ident, $builder:ident, |$T:ident| $f:expr) => {
        match $ty {
            Type::U16 | Type::B16 => $builder({
                type $T = u16;
                $f
            }),
            Type::S16 => $builder({
                type $T = i16;
                $f
            }),
            Type::U32 | Type::B32 => $builder({
                type $T = u32;
                $f
            }),
            Type::S32 => $builder({
                type $T = i32;
                $f
            }),
            Type::U64 | Type::B64 => $builder({
                type $T = u64;
                $f
            }),
            Type::S64 => $builder({
                type $T = i64;
                $f
            }),
            _ => return unknown_type($opcode, $ty),
        }
    };
}

pub(super) fn find(opcode: &Opcode) -> Found {
    match opcode.name() {
        "add" | "sub" | "div" | "rem" | "min" | "max" => two(opcode),
        "abs" | "neg" => one(opcode),
        "mul" | "mad" => multiply(opcode),
        "mul24" | "mad24" => multiply_24(opcode),
        "sad" => {
            let ty = opcode.one_type()?;
            let run = each!(opcode, ty, ternary, |T| |a: T, b: T, c: T| {
                c.wrapping_add(a.max(b).wrapping_sub(a.min(b)))
            });
            instruction(run, ty, &[ty, ty, ty])
        }
        "dp4a" => dot_bytes(opcode),
        _ => Ok(None),
    }
}

fn two(opcode: &Opcode) -> Found {
    let ty = opcode.one_type()?;
    let saturate = opcode.take("sat");
    let run = match (opcode.name(), saturate) {
        ("add", true) if ty == Type::S32 => binary(|a: i32, b: i32| a.saturating_add(b)),
        ("sub", true) if ty == Type::S32 => binary(|a: i32, b: i32| a.saturating_sub(b)),
        (_, true) => return Err("integer .sat goes with add.s32 and sub.s32".to_string()),
        ("add", _) => each!(opcode, ty, binary, |T| |a: T, b: T| a.wrapping_add(b)),
        ("sub", _) => each!(opcode, ty, binary, |T| |a: T, b: T| a.wrapping_sub(b)),
        ("min", _) => each!(opcode, ty, binary, |T| |a: T, b: T| a.min(b)),
        ("max", _) => each!(opcode, ty, binary, |T| |a: T, b: T| a.max(b)),
        // The ISA does not define division by zero; the hardware returns all ones, and the dividend.
        ("div", _) => each!(opcode, ty, binary, |T| |a: T, b: T| {
            if b == 0 { !(0 as T) } else { a.wrapping_div(b) }
        }),
        _ => each!(opcode, ty, binary, |T| |a: T, b: T| {
            if b == 0 { a } else { a.wrapping_rem(b) }
        }),
    };
    instruction(run, ty, &[ty, ty])
}

fn one(opcode: &Opcode) -> Found {
    let ty = opcode.one_type()?;
    let run = match (opcode.name(), ty) {
        ("abs", Type::S16) => unary(|a: i16| a.wrapping_abs()),
        ("abs", Type::S32) => unary(|a: i32| a.wrapping_abs()),
        ("abs", Type::S64) => unary(|a: i64| a.wrapping_abs()),
        ("neg", Type::S16) => unary(|a: i16| a.wrapping_neg()),
        ("neg", Type::S32) => unary(|a: i32| a.wrapping_neg()),
        ("neg", Type::S64) => unary(|a: i64| a.wrapping_neg()),
        _ => return unknown_type(opcode, ty),
    };
    instruction(run, ty, &[ty])
}

/// The high half of a product, computed in twice the width.
macro_rules! high {
    ($T:ty, $Wide:ty) => {
        |a: $T, b: $T| (((a as $Wide) * (b as $Wide)) >> <$T>::BITS) as $T
    };
}

fn multiply(opcode: &Opcode) -> Found {
    let ty = opcode.one_type()?;
    let add = opcode.name() == "mad";
    let Some(part) = opcode.take_any(&["lo", "hi", "wide"]) else {
        return Err("an integer product needs .lo, .hi or .wide".to_string());
    };
    if part == "wide" {
        return multiply_wide(opcode, ty, add);
    }
    let saturate = opcode.take("sat");
    if saturate {
        if !(add && part == "hi" && ty == Type::S32) {
            return Err("integer .sat goes with mad.hi.s32".to_string());
        }
        let run = ternary(|a: i32, b: i32, c: i32| high!(i32, i64)(a, b).saturating_add(c));
        return instruction(run, ty, &[ty, ty, ty]);
    }
    macro_rules! high_of {
        ($T:ty, $Wide:ty) => {
            if add {
                ternary(|a: $T, b: $T, c: $T| high!($T, $Wide)(a, b).wrapping_add(c))
            } else {
                binary(high!($T, $Wide))
            }
        };
    }
    let run = match (part, add, ty) {
        ("lo", false, _) => each!(opcode, ty, binary, |T| |a: T, b: T| a.wrapping_mul(b)),
        ("lo", true, _) => each!(opcode, ty, ternary, |T| |a: T, b: T, c: T| {
            a.wrapping_mul(b).wrapping_add(c)
        }),
        (_, _, Type::U16) => high_of!(u16, u32),
        (_, _, Type::S16) => high_of!(i16, i32),
        (_, _, Type::U32) => high_of!(u32, u64),
        (_, _, Type::S32) => high_of!(i32, i64),
        (_, _, Type::U64) => high_of!(u64, u128),
        (_, _, Type::S64) => high_of!(i64, i128),
        _ => return unknown_type(opcode, ty),
    };
    instruction(run, ty, &[ty; 3][..if add { 3 } else { 2 }])
}

fn multiply_wide(opcode: &Opcode, ty: Type, add: bool) -> Found {
    macro_rules! wide_of {
        ($T:ty, $Wide:ty) => {
            if add {
                ternary(|a: $T, b: $T, c: $Wide| {
                    (a as $Wide).wrapping_mul(b as $Wide).wrapping_add(c)
                })
            } else {
                binary(|a: $T, b: $T| (a as $Wide).wrapping_mul(b as $Wide))
            }
        };
    }
    let (run, wide) = match ty {
        Type::U16 => (wide_of!(u16, u32), Type::U32),
        Type::S16 => (wide_of!(i16, i32), Type::S32),
        Type::U32 => (wide_of!(u32, u64), Type::U64),
        Type::S32 => (wide_of!(i32, i64), Type::S64),
        _ => return unknown_type(opcode, ty),
    };
    if add {
        instruction(run, wide, &[ty, ty, wide])
    } else {
        instruction(run, wide, &[ty, ty])
    }
}

/// Products of the low 24 bits: bits 0 to 31 or 16 to 47 of 48.
fn multiply_24(opcode: &Opcode) -> Found {
    let ty = opcode.one_type()?;
    let shift = match opcode.take_any(&["lo", "hi"]) {
        Some("lo") => 0,
        Some(_) => 16,
        None => return Err("a 24-bit product needs .lo or .hi".to_string()),
    };
    let product: fn(u32, u32) -> u64 = match ty {
        Type::U32 => |a, b| u64::from(a & 0xff_ffff) * u64::from(b & 0xff_ffff),
        Type::S32 => {
            |a, b| (i64::from((a << 8) as i32 >> 8) * i64::from((b << 8) as i32 >> 8)) as u64
        }
        _ => return unknown_type(opcode, ty),
    };
    if opcode.name() == "mul24" {
        instruction(
            binary(move |a: u32, b: u32| (product(a, b) >> shift) as u32),
            ty,
            &[ty, ty],
        )
    } else {
        let run = ternary(move |a: u32, b: u32, c: u32| {
            ((product(a, b) >> shift) as u32).wrapping_add(c)
        });
        instruction(run, ty, &[ty, ty, ty])
    }
}

/// Four products of bytes, summed into a word.
fn dot_bytes(opcode: &Opcode) -> Found {
    let [a_type, b_type] = opcode.types()[..] else {
        return Err("dp4a takes two types".to_string());
    };
    let (a_signed, b_signed) = (a_type.is_signed(), b_type.is_signed());
    let byte = |signed: bool, b: u8| {
        if signed {
            i32::from(b as i8)
        } else {
            i32::from(b)
        }
    };
    let run = ternary(move |a: u32, b: u32, c: u32| {
        let (a, b) = (a.to_le_bytes(), b.to_le_bytes());
        (0..4).fold(c, |sum, i| {
            sum.wrapping_add((byte(a_signed, a[i]) * byte(b_signed, b[i])) as u32)
        })
    });
    let sum = if a_signed || b_signed {
        Type::S32
    } else {
        Type::U32
    };
    instruction(run, sum, &[a_type, b_type, sum])
}
