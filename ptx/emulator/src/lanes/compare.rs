//! `setp`, `set` and `testp`: comparisons, ordered and unordered, combined with a predicate.

use super::opcode::{Opcode, unknown_type};
use super::{Found, LaneInstruction, bf16_to_f32, f16_to_f32};
use crate::registers::{LANES, Lane, Mask, Operands, Registers};
use crate::types::Type;
use std::cmp::Ordering;

/// Compares two registers, lane by lane.
type Comparison = Box<dyn Fn(&Registers, &Operands) -> Mask + Send + Sync>;

const OPERATORS: [&str; 18] = [
    "eq", "ne", "lt", "le", "gt", "ge", "lo", "ls", "hi", "hs", "equ", "neu", "ltu", "leu", "gtu",
    "geu", "num", "nan",
];

pub(super) fn find(opcode: &Opcode) -> Found {
    match opcode.name() {
        "setp" => setp(opcode),
        "set" => set(opcode),
        "testp" => testp(opcode),
        _ => Ok(None),
    }
}

/// Whether an operator holds, for the order of the operands (None: one is NaN).
fn holds(operator: &str, ordering: Option<Ordering>) -> bool {
    use Ordering::*;
    // The unordered form of an operator holds for NaN as well, `ne` excepted: it is ordered.
    let Some(ordering) = ordering else {
        return matches!(
            operator,
            "equ" | "neu" | "ltu" | "leu" | "gtu" | "geu" | "nan"
        );
    };
    match operator {
        "eq" | "equ" => ordering == Equal,
        "ne" | "neu" => ordering != Equal,
        "lt" | "ltu" | "lo" => ordering == Less,
        "le" | "leu" | "ls" => ordering != Greater,
        "gt" | "gtu" | "hi" => ordering == Greater,
        "ge" | "geu" | "hs" => ordering != Less,
        "num" => true,
        _ => false,
    }
}

fn lift<T: Lane>(
    order: impl Fn(T, T) -> Option<Ordering> + Send + Sync + Copy + 'static,
    operator: &str,
) -> Comparison {
    // The results for four cases are enough, so the operator's name is looked up once, not per lane.
    let less = holds(operator, Some(Ordering::Less));
    let equal = holds(operator, Some(Ordering::Equal));
    let greater = holds(operator, Some(Ordering::Greater));
    let unordered = holds(operator, None);
    Box::new(move |registers, operands| {
        let a = T::file(registers, operands.sources[0]);
        let b = T::file(registers, operands.sources[1]);
        let mut out = 0;
        for lane in 0..LANES {
            let bit = match order(T::from_raw(a[lane]), T::from_raw(b[lane])) {
                Some(Ordering::Less) => less,
                Some(Ordering::Equal) => equal,
                Some(Ordering::Greater) => greater,
                None => unordered,
            };
            out |= u32::from(bit) << lane;
        }
        out
    })
}

fn comparison(opcode: &Opcode, ty: Type) -> Result<Comparison, String> {
    let Some(operator) = opcode.take_any(&OPERATORS) else {
        return Err(format!("{} needs a comparison", opcode.name()));
    };
    let flush = opcode.take("ftz");
    macro_rules! integers {
        ($T:ty) => {
            lift(|a: $T, b: $T| Some(a.cmp(&b)), operator)
        };
    }
    Ok(match ty {
        Type::U16 | Type::B16 => integers!(u16),
        Type::S16 => integers!(i16),
        Type::U32 | Type::B32 => integers!(u32),
        Type::S32 => integers!(i32),
        Type::U64 | Type::B64 => integers!(u64),
        Type::S64 => integers!(i64),
        Type::F32 if flush => lift(
            |a: f32, b: f32| super::float::flush(a).partial_cmp(&super::float::flush(b)),
            operator,
        ),
        Type::F32 => lift(|a: f32, b: f32| a.partial_cmp(&b), operator),
        Type::F64 => lift(|a: f64, b: f64| a.partial_cmp(&b), operator),
        Type::F16 => lift(
            |a: u16, b: u16| f16_to_f32(a).partial_cmp(&f16_to_f32(b)),
            operator,
        ),
        Type::Bf16 => lift(
            |a: u16, b: u16| bf16_to_f32(a).partial_cmp(&bf16_to_f32(b)),
            operator,
        ),
        _ => return unknown_type(opcode, ty),
    })
}

/// The combination of the comparison with the predicate `c`.
fn combination(opcode: &Opcode) -> Option<fn(Mask, Mask) -> Mask> {
    Some(match opcode.take_any(&["and", "or", "xor"])? {
        "and" => |a, b| a & b,
        "or" => |a, b| a | b,
        _ => |a, b| a ^ b,
    })
}

fn setp(opcode: &Opcode) -> Found {
    let ty = opcode.one_type()?;
    let compare = comparison(opcode, ty)?;
    let combine = combination(opcode);
    let mut sources = vec![ty, ty];
    if combine.is_some() {
        sources.push(Type::Pred);
    }
    let run = Box::new(
        move |registers: &mut Registers, operands: &Operands, mask: Mask| {
            let mut yes = compare(registers, operands);
            let mut no = !yes;
            if let Some(combine) = combine {
                let c = registers.predicate(operands, 2);
                (yes, no) = (combine(yes, c), combine(no, c));
            }
            registers.set_predicate(operands.results[0], yes, mask);
            registers.set_predicate(operands.results[1], no, mask);
        },
    );
    Ok(Some(LaneInstruction {
        run,
        results: vec![Type::Pred; 2],
        sources,
    }))
}

/// `set`: all ones or zero for integer results, 1.0 or 0.0 for `.f32`.
fn set(opcode: &Opcode) -> Found {
    let [result, ty] = opcode.types()[..] else {
        return Err("set takes two types".to_string());
    };
    let yes = match result {
        Type::U32 | Type::S32 => u32::MAX,
        Type::F32 => 1f32.to_bits(),
        _ => return unknown_type(opcode, result),
    };
    let compare = comparison(opcode, ty)?;
    let combine = combination(opcode);
    let mut sources = vec![ty, ty];
    if combine.is_some() {
        sources.push(Type::Pred);
    }
    let run = Box::new(
        move |registers: &mut Registers, operands: &Operands, mask: Mask| {
            let mut bits = compare(registers, operands);
            if let Some(combine) = combine {
                bits = combine(bits, registers.predicate(operands, 2));
            }
            let values = std::array::from_fn(|lane| if bits >> lane & 1 == 1 { yes } else { 0 });
            registers.set_words(operands.results[0], &values, mask);
        },
    );
    Ok(Some(LaneInstruction {
        run,
        results: vec![result],
        sources,
    }))
}

fn testp(opcode: &Opcode) -> Found {
    let ty = opcode.one_type()?;
    let kinds = [
        "finite",
        "infinite",
        "number",
        "notanumber",
        "normal",
        "subnormal",
    ];
    let Some(kind) = opcode.take_any(&kinds) else {
        return Err("testp needs a kind of number".to_string());
    };
    let kind = kind.to_string();
    if ty != Type::F32 && ty != Type::F64 {
        return unknown_type(opcode, ty);
    }
    macro_rules! test {
        ($x:expr) => {
            match kind.as_str() {
                "finite" => $x.is_finite(),
                "infinite" => $x.is_infinite(),
                "number" => !$x.is_nan(),
                "notanumber" => $x.is_nan(),
                "subnormal" => $x.is_subnormal(),
                // The ISA counts zero as normal.
                _ => $x.is_normal() || $x == 0.0,
            }
        };
    }
    let run = Box::new(
        move |registers: &mut Registers, operands: &Operands, mask: Mask| {
            let mut out = 0;
            for lane in 0..LANES {
                let bit = if ty == Type::F32 {
                    test!(f32::from_bits(
                        u32::file(registers, operands.sources[0])[lane]
                    ))
                } else {
                    test!(f64::from_bits(
                        u64::file(registers, operands.sources[0])[lane]
                    ))
                };
                out |= u32::from(bit) << lane;
            }
            registers.set_predicate(operands.results[0], out, mask);
        },
    );
    Ok(Some(LaneInstruction {
        run,
        results: vec![Type::Pred],
        sources: vec![ty],
    }))
}
