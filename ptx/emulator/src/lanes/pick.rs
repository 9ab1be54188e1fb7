//! `selp` and `slct`: one of two values.

use super::opcode::{Opcode, unknown_type};
use super::{Found, LaneFn, LaneInstruction, ternary};
use crate::registers::{LANES, Lane, Mask, Operands, Registers, merge};
use crate::types::{Class, Type};

pub(super) fn find(opcode: &Opcode) -> Found {
    match opcode.name() {
        "selp" => {
            let ty = opcode.one_type()?;
            let run = match ty.class() {
                Class::Word => by_predicate::<u32>(),
                Class::Double => by_predicate::<u64>(),
                Class::Predicate => return unknown_type(opcode, ty),
            };
            let sources = vec![ty, ty, Type::Pred];
            Ok(Some(LaneInstruction {
                run,
                results: vec![ty],
                sources,
            }))
        }
        "slct" => by_sign(opcode),
        _ => Ok(None),
    }
}

fn by_predicate<T: Lane>() -> LaneFn {
    Box::new(
        |registers: &mut Registers, operands: &Operands, mask: Mask| {
            let condition = registers.predicate(operands, 2);
            let a = T::file(registers, operands.sources[0]);
            let b = T::file(registers, operands.sources[1]);
            let mut out = *b;
            for lane in 0..LANES {
                out[lane] = if condition >> lane & 1 == 1 {
                    a[lane]
                } else {
                    b[lane]
                };
            }
            merge(T::file_mut(registers, operands.results[0]), &out, mask);
        },
    )
}

/// `slct`: `a` if `c >= 0`, which is false for NaN and true for -0.0.
fn by_sign(opcode: &Opcode) -> Found {
    let flush = opcode.take("ftz");
    let [ty, selector] = opcode.types()[..] else {
        return Err("slct takes two types".to_string());
    };
    let not_negative = move |c: f32| {
        if flush {
            super::float::flush(c) >= 0.0
        } else {
            c >= 0.0
        }
    };
    let run = match (ty.class(), selector) {
        (Class::Word, Type::S32) => ternary(|a: u32, b: u32, c: i32| if c >= 0 { a } else { b }),
        (Class::Double, Type::S32) => ternary(|a: u64, b: u64, c: i32| if c >= 0 { a } else { b }),
        (Class::Word, Type::F32) => {
            ternary(move |a: u32, b: u32, c: f32| if not_negative(c) { a } else { b })
        }
        (Class::Double, Type::F32) => {
            ternary(move |a: u64, b: u64, c: f32| if not_negative(c) { a } else { b })
        }
        _ => return unknown_type(opcode, selector),
    };
    Ok(Some(LaneInstruction {
        run,
        results: vec![ty],
        sources: vec![ty, ty, selector],
    }))
}
