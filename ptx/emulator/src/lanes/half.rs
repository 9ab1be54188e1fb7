//! f16 and bf16, single and in pairs: computed in f64, rounded once.

use super::opcode::{Opcode, unknown_type};
use super::rounding::{self, Rounding};
use super::{Found, LaneFn, binary, instruction, ternary, unary};
use crate::types::Type;

/// The value of an f16.
pub(crate) fn f16_to_f32(bits: u16) -> f32 {
    let sign = u32::from(bits >> 15) << 31;
    let (exponent, fraction) = (u32::from(bits >> 10 & 31), u32::from(bits & 0x3ff));
    match exponent {
        0 => f32::from_bits(sign | (fraction as f32 * 2f32.powi(-24)).to_bits()),
        31 => f32::from_bits(sign | 0x7f80_0000 | fraction << 13),
        _ => f32::from_bits(sign | (exponent + 112) << 23 | fraction << 13),
    }
}

/// The value of a bf16.
#[inline(always)]
pub(crate) fn bf16_to_f32(bits: u16) -> f32 {
    f32::from_bits(u32::from(bits) << 16)
}

/// Rounds to f16; NaN is the canonical one.
pub(super) fn f64_to_f16(x: f64, direction: Rounding) -> u16 {
    if x.is_nan() {
        return 0x7fff;
    }
    let rounded = rounding::F16.round(x, direction);
    let sign = if rounded.is_sign_negative() {
        0x8000
    } else {
        0
    };
    let magnitude = rounded.abs();
    if magnitude.is_infinite() {
        return sign | 0x7c00;
    }
    if magnitude < 2f64.powi(-14) {
        return sign | (magnitude * 2f64.powi(24)) as u16;
    }
    let bits = magnitude.to_bits();
    let exponent = (bits >> 52) as i32 - 1023 + 15;
    sign | (exponent as u16) << 10 | (bits >> 42 & 0x3ff) as u16
}

/// Rounds to bf16; NaN is the canonical one.
pub(super) fn f64_to_bf16(x: f64, direction: Rounding) -> u16 {
    if x.is_nan() {
        return 0x7fff;
    }
    ((rounding::BF16.round(x, direction) as f32).to_bits() >> 16) as u16
}

/// One of the two formats.
#[derive(Clone, Copy)]
struct Half {
    widen: fn(u16) -> f32,
    narrow: fn(f64, Rounding) -> u16,
}

const F16: Half = Half {
    widen: f16_to_f32,
    narrow: f64_to_f16,
};
const BF16: Half = Half {
    widen: bf16_to_f32,
    narrow: f64_to_bf16,
};

/// The operations after the arithmetic.
#[derive(Clone, Copy)]
struct Finish {
    half: Half,
    flush: bool,
    saturate: bool,
    relu: bool,
}

impl Finish {
    fn input(self, bits: u16) -> f64 {
        let x = (self.half.widen)(bits);
        let subnormal = self.flush && x != 0.0 && x.abs() < 2f32.powi(-14);
        f64::from(if subnormal { 0f32.copysign(x) } else { x })
    }

    fn output(self, x: f64) -> u16 {
        let x = if self.saturate {
            if x > 0.0 { x.min(1.0) } else { 0.0 }
        } else {
            x
        };
        let x = if self.relu && x < 0.0 { 0.0 } else { x };
        let bits = (self.half.narrow)(x, Rounding::Nearest);
        if self.flush && bits & 0x7c00 == 0 {
            bits & 0x8000
        } else {
            bits
        }
    }
}

pub(super) fn find(opcode: &Opcode) -> Found {
    let names = ["add", "sub", "mul", "fma", "neg", "abs", "min", "max"];
    if !names.contains(&opcode.name()) {
        return Ok(None);
    }
    let Some(&ty) = opcode.types().last() else {
        return Ok(None);
    };
    let half = match ty {
        Type::F16 | Type::F16x2 => F16,
        Type::Bf16 | Type::Bf16x2 => BF16,
        _ => return Ok(None),
    };
    opcode.take_any(&["rn"]);
    let propagate = opcode.take("NaN");
    let finish = Finish {
        half,
        flush: opcode.take("ftz"),
        saturate: opcode.take("sat"),
        relu: opcode.take("relu"),
    };
    let pair = matches!(ty, Type::F16x2 | Type::Bf16x2);
    let run = match opcode.name() {
        "neg" => return instruction(bitwise(pair, |a| a ^ 0x8000), ty, &[ty]),
        "abs" => return instruction(bitwise(pair, |a| a & 0x7fff), ty, &[ty]),
        "add" => two(pair, finish, |a, b| a + b),
        "sub" => two(pair, finish, |a, b| a - b),
        "mul" => two(pair, finish, |a, b| a * b),
        "min" if propagate => two(pair, finish, |a, b| {
            if a.is_nan() {
                a
            } else if b.is_nan() {
                b
            } else {
                least(a, b)
            }
        }),
        "max" if propagate => two(pair, finish, |a, b| {
            if a.is_nan() {
                a
            } else if b.is_nan() {
                b
            } else {
                -least(-a, -b)
            }
        }),
        "min" => two(pair, finish, least),
        "max" => two(pair, finish, |a, b| -least(-a, -b)),
        "fma" => return instruction(three(pair, finish), ty, &[ty, ty, ty]),
        _ => return unknown_type(opcode, ty),
    };
    instruction(run, ty, &[ty, ty])
}

/// The lesser number, -0.0 before +0.0; the other operand if one is NaN.
fn least(a: f64, b: f64) -> f64 {
    if a.is_nan() {
        return b;
    }
    if a < b || b.is_nan() || (a == b && a.is_sign_negative()) {
        a
    } else {
        b
    }
}

/// Applies a function to one or both halves.
fn each<const N: usize>(pair: bool, x: [u32; N], f: impl Fn([u16; N]) -> u16) -> u32 {
    let low = u32::from(f(x.map(|v| v as u16)));
    if pair {
        low | u32::from(f(x.map(|v| (v >> 16) as u16))) << 16
    } else {
        low
    }
}

fn bitwise(pair: bool, f: fn(u16) -> u16) -> LaneFn {
    unary(move |a: u32| each(pair, [a], |[a]| f(a)))
}

fn two(pair: bool, finish: Finish, f: fn(f64, f64) -> f64) -> LaneFn {
    binary(move |a: u32, b: u32| {
        each(pair, [a, b], |[a, b]| {
            finish.output(f(finish.input(a), finish.input(b)))
        })
    })
}

fn three(pair: bool, finish: Finish) -> LaneFn {
    ternary(move |a: u32, b: u32, c: u32| {
        each(pair, [a, b, c], |[a, b, c]| {
            // The product is exact in f64; the sum rounds far below the half's precision.
            finish.output(finish.input(a) * finish.input(b) + finish.input(c))
        })
    })
}

/// The sum of two pairs of halves, for atomics.
pub(crate) fn add_pair(ty: Type, a: u32, b: u32) -> u32 {
    let half = if ty == Type::F16x2 { F16 } else { BF16 };
    let finish = Finish {
        half,
        flush: false,
        saturate: false,
        relu: false,
    };
    each(true, [a, b], |[a, b]| {
        finish.output(finish.input(a) + finish.input(b))
    })
}
