//! Scalar functions of numbers that are known at compile time.
//!
//! Takes a function and its operands' values; returns its value, or `None` if that is not exact or does not fit: then
//! it is computed at run time.

use crate::ir::DType;
use crate::scalar::{Scalar as S, Typing};
use netform_core::Number;

/// The value.
pub fn folded(f: S, args: &[Number]) -> Option<Number> {
    if let (Typing::Select, [Number::Bool(first), a, b]) = (f.typing(), args) {
        return Some(if *first { *a } else { *b });
    }
    if let (S::Cast(to), [x]) = (f, args) {
        return cast(*x, to);
    }
    match args {
        [Number::Int(a)] => integers(f, *a, *a),
        [Number::Int(a), Number::Int(b)] => integers(f, *a, *b),
        _ => {
            let values: Vec<f64> = args.iter().map(|x| near(*x)).collect();
            let y = f.eval(&values);
            Some(match (f.typing(), args) {
                (Typing::Compare | Typing::Logic, _) => Number::Bool(y != 0.0),
                _ => Number::Float(y),
            })
        }
    }
}

fn integers(f: S, a: i64, b: i64) -> Option<Number> {
    Some(match f {
        S::Neg => Number::Int(a.checked_neg()?),
        S::Add => Number::Int(a.checked_add(b)?),
        S::Sub => Number::Int(a.checked_sub(b)?),
        S::Mul => Number::Int(a.checked_mul(b)?),
        S::Fmod => Number::Int(a.checked_rem(b)?),
        S::Eq => Number::Bool(a == b),
        S::Ne => Number::Bool(a != b),
        S::Lt => Number::Bool(a < b),
        S::Le => Number::Bool(a <= b),
        S::Gt => Number::Bool(a > b),
        S::Ge => Number::Bool(a >= b),
        _ => return None,
    })
}

fn cast(x: Number, to: DType) -> Option<Number> {
    match (x, to) {
        (Number::Float(v), DType::Int) => {
            let fits = v >= i64::MIN as f64 && v < -(i64::MIN as f64);
            fits.then_some(Number::Int(v as i64))
        }
        (Number::Int(v), DType::Float) => {
            // Excludes numbers that would be rounded here and again to the device's float.
            (v.unsigned_abs() <= 1 << 53).then_some(Number::Float(v as f64))
        }
        (Number::Bool(v), DType::Int) => Some(Number::Int(v.into())),
        (Number::Int(v), DType::Bool) => Some(Number::Bool(v != 0)),
        (x, DType::Float) => Some(Number::Float(near(x))),
        (x, DType::Bool) => Some(Number::Bool(near(x) != 0.0)),
        (x, DType::Int) => Some(x),
    }
}

fn near(x: Number) -> f64 {
    match x {
        Number::Float(v) => v,
        Number::Int(v) => v as f64,
        Number::Bool(v) => f64::from(u8::from(v)),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use Number::{Bool, Float, Int};

    #[test]
    fn integers_stay_exact() {
        let odd = (1 << 53) + 1;
        assert_eq!(folded(S::Add, &[Int(odd), Int(odd)]), Some(Int(2 * odd)));
        assert_eq!(folded(S::Eq, &[Int(odd), Int(odd - 1)]), Some(Bool(false)));
        assert_eq!(
            folded(S::Where, &[Bool(false), Int(1), Int(odd)]),
            Some(Int(odd))
        );
        assert_eq!(folded(S::Neg, &[Int(-odd)]), Some(Int(odd)));
    }

    #[test]
    fn what_does_not_fit_is_left() {
        assert_eq!(folded(S::Mul, &[Int(1 << 40), Int(1 << 40)]), None);
        assert_eq!(folded(S::Neg, &[Int(i64::MIN)]), None);
        for v in [f64::NAN, 9.3e18, -9.3e18] {
            assert_eq!(folded(S::Cast(DType::Int), &[Float(v)]), None);
        }
        assert_eq!(folded(S::Cast(DType::Float), &[Int((1 << 53) + 1)]), None);
    }

    #[test]
    fn casts_change_the_type() {
        assert_eq!(folded(S::Cast(DType::Int), &[Float(-2.7)]), Some(Int(-2)));
        assert_eq!(folded(S::Cast(DType::Bool), &[Int(3)]), Some(Bool(true)));
        assert_eq!(
            folded(S::Cast(DType::Float), &[Bool(true)]),
            Some(Float(1.0))
        );
        assert_eq!(folded(S::Lt, &[Float(1.0), Float(2.0)]), Some(Bool(true)));
    }
}
