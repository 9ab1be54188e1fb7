//! f32 and f64 arithmetic with every rounding direction, `.ftz` and `.sat`.
//!
//! The IEEE operations are exact to the last bit. A NaN result is the canonical NaN, 0x7fffffff, as on the hardware.

use super::opcode::{Opcode, unknown_type};
use super::rounding::{Rounding, adjust, two_sum};
use super::{Found, LaneFn, binary, instruction, ternary, unary};
use crate::types::Type;

/// Replaces a subnormal by a zero of its sign.
#[inline(always)]
pub(super) fn flush(x: f32) -> f32 {
    if x.is_subnormal() {
        0f32.copysign(x)
    } else {
        x
    }
}

/// The hardware's NaN.
#[inline(always)]
pub(super) fn canonical(x: f32) -> f32 {
    if x.is_nan() {
        f32::from_bits(0x7fff_ffff)
    } else {
        x
    }
}

/// `.sat`: clamps to [0, 1], NaN to 0.
#[inline(always)]
pub(super) fn saturate(x: f32) -> f32 {
    // Not `clamp`, which returns NaN for NaN; also, -0.0 becomes 0.0.
    if x > 0.0 { x.min(1.0) } else { 0.0 }
}

/// The modifiers of an f32 operation.
#[derive(Clone, Copy)]
struct Mode {
    rounding: Rounding,
    flush: bool,
    saturate: bool,
}

impl Mode {
    fn take(opcode: &Opcode) -> Self {
        let suffix = opcode.take_any(&["rn", "rz", "rm", "rp"]);
        Mode {
            rounding: suffix
                .and_then(Rounding::of_float)
                .unwrap_or(Rounding::Nearest),
            flush: opcode.take("ftz"),
            saturate: opcode.take("sat"),
        }
    }

    fn input(self, x: f32) -> f32 {
        if self.flush { flush(x) } else { x }
    }

    fn output(self, x: f32) -> f32 {
        let x = canonical(if self.flush { flush(x) } else { x });
        if self.saturate { saturate(x) } else { x }
    }

    fn is_plain(self) -> bool {
        self.rounding == Rounding::Nearest && !self.flush && !self.saturate
    }
}

pub(super) fn find(opcode: &Opcode) -> Found {
    let Some(&ty) = opcode.types().last() else {
        return Ok(None);
    };
    if ty != Type::F32 && ty != Type::F64 {
        return Ok(None);
    }
    match opcode.name() {
        "add" | "sub" | "mul" => arithmetic(opcode, ty),
        "fma" | "mad" => fused(opcode, ty),
        // `.approx` and `.full` divisions are correctly rounded here, which is within their tolerance.
        "div" => {
            let given = opcode.take_any(&["approx", "full"]).is_some();
            let mode = Mode::take(opcode);
            let has_rounding = ["rn", "rz", "rm", "rp"].iter().any(|r| opcode.has(r));
            if !given && !has_rounding {
                return Err("a float division needs .rn, .approx or .full".to_string());
            }
            instruction(two(mode, ty, divide_32, divide_64), ty, &[ty, ty])
        }
        "sqrt" | "rcp" if !opcode.has("approx") => root_or_reciprocal(opcode, ty),
        "min" | "max" => minimum(opcode, ty),
        "abs" | "neg" => sign(opcode, ty),
        "copysign" => {
            let run = match ty {
                // The first operand is the sign.
                Type::F32 => binary(|a: f32, b: f32| b.copysign(a)),
                _ => binary(|a: f64, b: f64| b.copysign(a)),
            };
            instruction(run, ty, &[ty, ty])
        }
        _ => Ok(None),
    }
}

/// A two-operand operation of either width in a given mode.
fn two(
    mode: Mode,
    ty: Type,
    f32_op: fn(f32, f32, Rounding) -> f32,
    f64_op: fn(f64, f64, Rounding) -> f64,
) -> LaneFn {
    if ty == Type::F32 {
        binary(move |a: f32, b: f32| {
            mode.output(f32_op(mode.input(a), mode.input(b), mode.rounding))
        })
    } else {
        binary(move |a: f64, b: f64| f64_op(a, b, mode.rounding))
    }
}

fn arithmetic(opcode: &Opcode, ty: Type) -> Found {
    let mode = Mode::take(opcode);
    // The common case has no code that prevents vectorisation.
    let run = match (opcode.name(), ty, mode.is_plain()) {
        ("add", Type::F32, true) => binary(|a: f32, b: f32| canonical(a + b)),
        ("sub", Type::F32, true) => binary(|a: f32, b: f32| canonical(a - b)),
        ("mul", Type::F32, true) => binary(|a: f32, b: f32| canonical(a * b)),
        ("add", ..) => two(mode, ty, add_32, add_64),
        ("sub", ..) => two(
            mode,
            ty,
            |a, b, r| add_32(a, -b, r),
            |a, b, r| add_64(a, -b, r),
        ),
        _ => two(mode, ty, multiply_32, multiply_64),
    };
    instruction(run, ty, &[ty, ty])
}

fn fused(opcode: &Opcode, ty: Type) -> Found {
    let mode = Mode::take(opcode);
    let run = match ty {
        Type::F32 if mode.is_plain() => {
            ternary(|a: f32, b: f32, c: f32| canonical(a.mul_add(b, c)))
        }
        Type::F32 => ternary(move |a: f32, b: f32, c: f32| {
            let (a, b, c) = (mode.input(a), mode.input(b), mode.input(c));
            mode.output(fma_32(a, b, c, mode.rounding))
        }),
        _ => ternary(move |a: f64, b: f64, c: f64| fma_64(a, b, c, mode.rounding)),
    };
    instruction(run, ty, &[ty, ty, ty])
}

fn root_or_reciprocal(opcode: &Opcode, ty: Type) -> Found {
    let has_rounding = ["rn", "rz", "rm", "rp"].iter().any(|r| opcode.has(r));
    if !has_rounding {
        return Err(format!("{} needs .rn or .approx", opcode.name()));
    }
    let mode = Mode::take(opcode);
    let rounding = mode.rounding;
    let run = match (opcode.name(), ty) {
        ("sqrt", Type::F32) => unary(move |a: f32| mode.output(root_32(mode.input(a), rounding))),
        ("sqrt", _) => unary(move |a: f64| {
            let root = a.sqrt();
            let missing = if root.is_finite() {
                -root.mul_add(root, -a)
            } else {
                0.0
            };
            if root.is_infinite() {
                root
            } else {
                adjust(root, missing, rounding)
            }
        }),
        (_, Type::F32) => unary(move |a: f32| mode.output(divide_32(1.0, mode.input(a), rounding))),
        _ => unary(move |a: f64| divide_64(1.0, a, rounding)),
    };
    instruction(run, ty, &[ty])
}

/// `.NaN` returns NaN if an operand is NaN; without it the number wins. -0.0 is less than +0.0.
fn minimum(opcode: &Opcode, ty: Type) -> Found {
    let propagate = opcode.take("NaN");
    let flush_inputs = opcode.take("ftz");
    if opcode.has("xorsign") {
        return Err("suffix .xorsign not known to the emulator".to_string());
    }
    macro_rules! pick {
        ($T:ty, $less:expr) => {
            move |a: $T, b: $T| -> $T {
                if a.is_nan() || b.is_nan() {
                    return if propagate || (a.is_nan() && b.is_nan()) {
                        <$T>::NAN
                    } else if a.is_nan() {
                        b
                    } else {
                        a
                    };
                }
                let a_is_less = a < b || (a == b && a.is_sign_negative());
                if a_is_less == $less { a } else { b }
            }
        };
    }
    let less = opcode.name() == "min";
    let run = match ty {
        Type::F32 => {
            let pick = pick!(f32, less);
            binary(move |a: f32, b: f32| {
                let (a, b) = if flush_inputs {
                    (flush(a), flush(b))
                } else {
                    (a, b)
                };
                canonical(pick(a, b))
            })
        }
        _ => binary(pick!(f64, less)),
    };
    instruction(run, ty, &[ty, ty])
}

fn sign(opcode: &Opcode, ty: Type) -> Found {
    let flush_inputs = opcode.take("ftz");
    let input = move |a: f32| if flush_inputs { flush(a) } else { a };
    let run = match (opcode.name(), ty) {
        ("abs", Type::F32) => unary(move |a: f32| input(a).abs()),
        ("neg", Type::F32) => unary(move |a: f32| -input(a)),
        ("abs", Type::F64) => unary(f64::abs),
        ("neg", Type::F64) => unary(|a: f64| -a),
        _ => return unknown_type(opcode, ty),
    };
    instruction(run, ty, &[ty])
}

/// Applies `adjust` unless the result is exact: NaN, or an infinity from an infinite operand.
macro_rules! directed {
    ($rounded:expr, $missing:expr, $rounding:expr, $($operand:expr),+) => {{
        let rounded = $rounded;
        if $rounding == Rounding::Nearest || $(!$operand.is_finite())||+ {
            return rounded;
        }
        adjust(rounded, f64::from($missing), $rounding)
    }};
}

fn add_32(a: f32, b: f32, rounding: Rounding) -> f32 {
    let (sum, missing) = two_sum(a, b);
    if sum == 0.0 && a == -b && a != 0.0 && rounding == Rounding::Down {
        return -0.0; // x - x is -0 when rounding down.
    }
    directed!(sum, missing, rounding, a, b)
}

fn add_64(a: f64, b: f64, rounding: Rounding) -> f64 {
    let (sum, missing) = two_sum(a, b);
    if sum == 0.0 && a == -b && a != 0.0 && rounding == Rounding::Down {
        return -0.0;
    }
    directed!(sum, missing, rounding, a, b)
}

fn multiply_32(a: f32, b: f32, rounding: Rounding) -> f32 {
    let product = a * b;
    let exact = f64::from(a) * f64::from(b);
    directed!(product, exact - f64::from(product), rounding, a, b)
}

fn multiply_64(a: f64, b: f64, rounding: Rounding) -> f64 {
    let product = a * b;
    directed!(product, a.mul_add(b, -product), rounding, a, b)
}

fn fma_32(a: f32, b: f32, c: f32, rounding: Rounding) -> f32 {
    let rounded = a.mul_add(b, c);
    let product = f64::from(a) * f64::from(b);
    let (sum, rest) = two_sum(product, f64::from(c));
    directed!(
        rounded,
        (sum - f64::from(rounded)) + rest,
        rounding,
        a,
        b,
        c
    )
}

fn fma_64(a: f64, b: f64, c: f64, rounding: Rounding) -> f64 {
    let rounded = a.mul_add(b, c);
    let product = a * b;
    let product_rest = a.mul_add(b, -product);
    let (sum, rest) = two_sum(product, c);
    directed!(
        rounded,
        (sum - rounded) + (rest + product_rest),
        rounding,
        a,
        b,
        c
    )
}

fn divide_32(a: f32, b: f32, rounding: Rounding) -> f32 {
    let quotient = a / b;
    if b == 0.0 {
        return quotient;
    }
    let (wide_a, wide_b) = (f64::from(a), f64::from(b));
    let rest = wide_a - f64::from(quotient) * wide_b;
    let missing = if b < 0.0 { -rest } else { rest };
    directed!(quotient, missing, rounding, a, b)
}

fn divide_64(a: f64, b: f64, rounding: Rounding) -> f64 {
    let quotient = a / b;
    if b == 0.0 {
        return quotient;
    }
    let rest = -quotient.mul_add(b, -a);
    let missing = if b < 0.0 { -rest } else { rest };
    directed!(quotient, missing, rounding, a, b)
}

fn root_32(a: f32, rounding: Rounding) -> f32 {
    let root = a.sqrt();
    let wide = f64::from(root);
    directed!(root, f64::from(a) - wide * wide, rounding, a, root)
}
