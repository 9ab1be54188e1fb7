//! `cvt`: between all types, with every rounding direction, `.sat`, `.ftz` and `.relu`; and the
//! two-source forms that pack halves.

use super::float::{canonical, flush, saturate};
use super::half::{f64_to_bf16, f64_to_f16};
use super::opcode::{Opcode, unknown_type};
use super::rounding::{self, Rounding, to_integer};
use super::{Found, LaneFn, bf16_to_f32, binary, f16_to_f32, instruction, unary};
use crate::types::{Class, Type};

/// A number between reading the source type and writing the result type.
#[derive(Clone, Copy)]
enum Number {
    Integer(i128),
    Float(f64),
}

#[derive(Clone, Copy)]
struct Conversion {
    to: Type,
    from: Type,
    rounding: Rounding,
    /// The direction was given for an integer: round a float to an integer.
    whole: bool,
    flush: bool,
    saturate: bool,
    relu: bool,
}

pub(super) fn find(opcode: &Opcode) -> Found {
    if opcode.name() != "cvt" {
        return Ok(None);
    }
    let types = opcode.types();
    let (to, from) = match types[..] {
        [to, from] => (to, from),
        _ => return Err("cvt takes two types".to_string()),
    };
    let float = opcode
        .take_any(&["rn", "rna", "rz", "rm", "rp"])
        .and_then(Rounding::of_float);
    let whole = opcode
        .take_any(&["rni", "rzi", "rmi", "rpi"])
        .and_then(Rounding::of_integer);
    let conversion = Conversion {
        to,
        from,
        rounding: whole.or(float).unwrap_or(Rounding::Nearest),
        whole: whole.is_some(),
        flush: opcode.take("ftz"),
        saturate: opcode.take("sat"),
        relu: opcode.take("relu"),
    };
    if from == Type::Pred || to == Type::Pred {
        return unknown_type(opcode, Type::Pred);
    }
    if from.is_float() && !to.is_float() && whole.is_none() {
        return Err("a conversion from float to integer needs .rni, .rzi, .rmi or .rpi".into());
    }
    let narrows = from.is_float() && to.is_float() && from.bytes() > to.bytes();
    if (narrows || (!from.is_float() && to.is_float())) && float.is_none() {
        return Err("a conversion that may lose digits needs a rounding, such as .rn".into());
    }
    if matches!(to, Type::F16x2 | Type::Bf16x2) {
        // The first source becomes the upper half.
        let narrow = if to == Type::F16x2 {
            f64_to_f16
        } else {
            f64_to_bf16
        };
        if from != Type::F32 {
            return unknown_type(opcode, from);
        }
        let half = move |x: f32| {
            let x = if conversion.relu && x < 0.0 { 0.0 } else { x };
            u32::from(narrow(f64::from(x), conversion.rounding))
        };
        return instruction(
            binary(move |a: f32, b: f32| half(a) << 16 | half(b)),
            to,
            &[from; 2],
        );
    }
    let run = fast(conversion).unwrap_or_else(|| general(conversion));
    instruction(run, to, &[from])
}

/// The most frequent conversions of kernels, without [`Number`].
fn fast(c: Conversion) -> Option<LaneFn> {
    if c.saturate || c.flush || c.relu {
        return None;
    }
    let nearest = c.rounding == Rounding::Nearest;
    Some(match (c.to, c.from) {
        (Type::U64 | Type::S64 | Type::B64, Type::U32 | Type::B32) => unary(|a: u32| u64::from(a)),
        (Type::U64 | Type::S64 | Type::B64, Type::S32) => unary(|a: i32| i64::from(a)),
        (Type::U32 | Type::S32 | Type::B32, Type::U64 | Type::S64 | Type::B64) => {
            unary(|a: u64| a as u32)
        }
        (Type::F32, Type::S32) if nearest => unary(|a: i32| a as f32),
        (Type::F32, Type::U32) if nearest => unary(|a: u32| a as f32),
        (Type::S32, Type::F32) if c.rounding == Rounding::Zero => unary(|a: f32| a as i32),
        (Type::F32, Type::F16) if !c.whole => unary(|a: u16| canonical(f16_to_f32(a))),
        (Type::F32, Type::Bf16) if !c.whole => unary(|a: u16| canonical(bf16_to_f32(a))),
        (Type::Bf16, Type::F32) if nearest && !c.whole => unary(|a: f32| {
            let bits = a.to_bits();
            let even = bits >> 16 & 1;
            if a.is_nan() {
                0x7fff
            } else {
                (bits.wrapping_add(0x7fff + even) >> 16) as u16
            }
        }),
        _ => return None,
    })
}

fn general(c: Conversion) -> LaneFn {
    match (c.from.class(), c.to.class()) {
        (Class::Double, Class::Double) => unary(move |a: u64| c.apply(a)),
        (Class::Double, _) => unary(move |a: u64| c.apply(a) as u32),
        (_, Class::Double) => unary(move |a: u32| c.apply(u64::from(a))),
        _ => unary(move |a: u32| c.apply(u64::from(a)) as u32),
    }
}

impl Conversion {
    fn apply(self, bits: u64) -> u64 {
        let number = self.read(bits);
        if self.to.is_float() {
            let x = match number {
                // i128 to f64 rounds to nearest; other directions need the rounding error.
                Number::Integer(i) => return self.integer_to_float(i),
                Number::Float(x) if self.whole => to_integer(x, self.rounding),
                Number::Float(x) => x,
            };
            self.write_float(x)
        } else {
            self.write_integer(match number {
                Number::Integer(i) => i,
                // As in the ISA: 0 if neither type has 64 bits, otherwise only the highest bit.
                Number::Float(x)
                    if x.is_nan() && (self.from == Type::F64 || self.to.bytes() == 8) =>
                {
                    1 << (8 * self.to.bytes() - 1)
                }
                // NaN becomes 0, and `as` clamps to the range: both as on the hardware.
                Number::Float(x) => self.clamp(to_integer(x, self.rounding) as i128),
            })
        }
    }

    fn read(self, bits: u64) -> Number {
        let float = |x: f32| Number::Float(f64::from(if self.flush { flush(x) } else { x }));
        match self.from {
            Type::B8 | Type::U8 => Number::Integer((bits as u8).into()),
            Type::B16 | Type::U16 => Number::Integer((bits as u16).into()),
            Type::B32 | Type::U32 => Number::Integer((bits as u32).into()),
            Type::B64 | Type::U64 => Number::Integer(bits.into()),
            Type::S8 => Number::Integer((bits as i8).into()),
            Type::S16 => Number::Integer((bits as i16).into()),
            Type::S32 => Number::Integer((bits as i32).into()),
            Type::S64 => Number::Integer((bits as i64).into()),
            Type::F16 => Number::Float(f16_to_f32(bits as u16).into()),
            Type::Bf16 => Number::Float(bf16_to_f32(bits as u16).into()),
            Type::F64 => Number::Float(f64::from_bits(bits)),
            _ => float(f32::from_bits(bits as u32)),
        }
    }

    fn integer_to_float(self, i: i128) -> u64 {
        if self.to == Type::F64 {
            let nearest = i as f64;
            let missing = (i - nearest as i128) as f64;
            return rounding::adjust(nearest, missing, self.rounding).to_bits();
        }
        // 64 bits do not fit f64's 53: keep the top ones and a sticky bit for the rest.
        let excess = (128 - i.unsigned_abs().leading_zeros()).saturating_sub(50);
        let top = i.unsigned_abs() >> excess;
        let sticky = u128::from(top << excess != i.unsigned_abs());
        let magnitude = (top << 1 | sticky) as f64 * 2f64.powi(excess as i32 - 1);
        self.write_float(if i < 0 { -magnitude } else { magnitude })
    }

    fn write_float(self, x: f64) -> u64 {
        let x = if self.relu && x < 0.0 { 0.0 } else { x };
        let x = match (self.saturate, x > 0.0) {
            (true, true) => x.min(1.0),
            (true, false) => 0.0,
            (false, _) => x,
        };
        match self.to {
            Type::F64 => x.to_bits(),
            Type::F16 => f64_to_f16(x, self.rounding).into(),
            Type::Bf16 => f64_to_bf16(x, self.rounding).into(),
            Type::Tf32 => {
                let y = canonical(rounding::TF32.round(x, self.rounding) as f32);
                y.to_bits().into()
            }
            _ => {
                // An integer that overflows f32 cannot come from f32, only from f64.
                let y = canonical(rounding::F32.round(x, self.rounding) as f32);
                let y = if self.flush { flush(y) } else { y };
                (if self.saturate { saturate(y) } else { y })
                    .to_bits()
                    .into()
            }
        }
    }

    /// Clamps to the range of the result type.
    fn clamp(self, i: i128) -> i128 {
        let bits = 8 * self.to.bytes() as u32;
        if self.to.is_signed() {
            i.clamp(-(1 << (bits - 1)), (1 << (bits - 1)) - 1)
        } else {
            i.clamp(0, (1 << bits) - 1)
        }
    }

    /// Integers wrap to the result's width unless `.sat` clamps; the register is filled by sign.
    fn write_integer(self, i: i128) -> u64 {
        let i = if self.saturate { self.clamp(i) } else { i };
        match self.to {
            Type::S8 => i64::from(i as i8) as u64,
            Type::S16 => i64::from(i as i16) as u64,
            Type::S32 => i64::from(i as i32) as u64,
            Type::B8 | Type::U8 => u64::from(i as u8),
            Type::B16 | Type::U16 => u64::from(i as u16),
            Type::B32 | Type::U32 => u64::from(i as u32),
            _ => i as u64,
        }
    }
}
