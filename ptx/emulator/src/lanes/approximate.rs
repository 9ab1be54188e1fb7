//! The `.approx` functions. They are computed in double precision and rounded once, so they are more exact than the
//! hardware's (whose error is up to 2^-10 for `tanh`, and a few units in the last place for the others). A test that
//! runs on both must allow for the ISA's error bounds.

use super::float::{canonical, flush};
use super::opcode::{Opcode, unknown_type};
use super::{Found, bf16_to_f32, f16_to_f32, instruction, unary};
use crate::types::Type;

pub(super) fn find(opcode: &Opcode) -> Found {
    let f: fn(f64) -> f64 = match opcode.name() {
        "ex2" => f64::exp2,
        "lg2" => f64::log2,
        "sin" => f64::sin,
        "cos" => f64::cos,
        "tanh" => f64::tanh,
        "rcp" => |x| 1.0 / x,
        "sqrt" => f64::sqrt,
        "rsqrt" => |x| 1.0 / x.sqrt(),
        _ => return Ok(None),
    };
    if !opcode.take("approx") {
        return Err(format!("{} needs .approx", opcode.name()));
    }
    let flushes = opcode.take("ftz");
    let ty = opcode.one_type()?;
    let half = matches!(opcode.name(), "ex2" | "tanh");
    let run = match ty {
        Type::F32 => unary(move |a: f32| {
            let a = if flushes { flush(a) } else { a };
            let y = canonical(f(f64::from(a)) as f32);
            if flushes { flush(y) } else { y }
        }),
        Type::F64 if matches!(opcode.name(), "rcp" | "rsqrt") => unary(f),
        Type::F16 if half => unary(move |a: u16| half_f16(f, a)),
        Type::Bf16 if half => unary(move |a: u16| half_bf16(f, a)),
        Type::F16x2 if half => unary(move |a: u32| {
            u32::from(half_f16(f, a as u16)) | u32::from(half_f16(f, (a >> 16) as u16)) << 16
        }),
        Type::Bf16x2 if half => unary(move |a: u32| {
            u32::from(half_bf16(f, a as u16)) | u32::from(half_bf16(f, (a >> 16) as u16)) << 16
        }),
        _ => return unknown_type(opcode, ty),
    };
    instruction(run, ty, &[ty])
}

fn half_f16(f: fn(f64) -> f64, a: u16) -> u16 {
    super::half::f64_to_f16(
        f(f64::from(f16_to_f32(a))),
        super::rounding::Rounding::Nearest,
    )
}

fn half_bf16(f: fn(f64) -> f64, a: u16) -> u16 {
    super::half::f64_to_bf16(
        f(f64::from(bf16_to_f32(a))),
        super::rounding::Rounding::Nearest,
    )
}
