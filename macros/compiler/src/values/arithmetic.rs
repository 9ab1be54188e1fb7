//! Arithmetic on the values of constants, as rustc calculates them; `None` where the result depends on a type that is not
//! known.

use super::Known;
use quote::ToTokens;
use syn::{BinOp, Type};

/// A value while a constant is evaluated.
#[derive(Clone, Debug)]
pub enum Value {
    /// An integer.
    Whole(i128),
    /// An `f64`.
    Number(f64),
    /// An `f32`: each result is rounded.
    Single(f32),
    /// A `bool`.
    Bool(bool),
    /// An array or a reference to one.
    List(Vec<Value>),
    /// A tuple.
    Tuple(Vec<Value>),
}

impl Value {
    /// The value of a constant.
    pub fn known(self) -> Known {
        let all = |items: Vec<Value>| items.into_iter().map(Value::known).collect();
        match self {
            Value::Whole(v) => Known::Whole(v),
            Value::Number(v) => Known::Number(v),
            Value::Single(v) => Known::Number(v.into()),
            Value::Bool(v) => Known::Bool(v),
            Value::List(items) => Known::List(all(items)),
            Value::Tuple(items) => Known::Tuple(all(items)),
        }
    }
}

const INTEGERS: &[&str] = &[
    "usize", "isize", "u64", "i64", "u32", "i32", "u16", "i16", "u8", "i8",
];

/// A value of a constant's type.
#[allow(clippy::cast_possible_truncation)]
pub fn typed(value: Value, ty: &Type) -> Option<Value> {
    Some(match (value, ty) {
        (value, Type::Paren(ty)) => typed(value, &ty.elem)?,
        (value, Type::Group(ty)) => typed(value, &ty.elem)?,
        (value @ (Value::List(_) | Value::Tuple(_)), Type::Reference(ty)) => {
            typed(value, &ty.elem)?
        }
        (Value::List(all), Type::Array(ty)) => each(all, &ty.elem)?,
        (Value::List(all), Type::Slice(ty)) => each(all, &ty.elem)?,
        (Value::Tuple(all), Type::Tuple(ty)) if all.len() == ty.elems.len() => {
            let all = all.into_iter().zip(&ty.elems);
            Value::Tuple(all.map(|(v, ty)| typed(v, ty)).collect::<Option<_>>()?)
        }
        (value, ty) => match (value, ty.to_token_stream().to_string().as_str()) {
            (Value::Number(v), "f64") => Value::Number(v),
            // The literal of a tuple with both types of floats.
            (Value::Number(v), "f32") if f64::from(v as f32) == v => Value::Single(v as f32),
            (Value::Single(v), "f32") => Value::Single(v),
            (Value::Bool(v), "bool") => Value::Bool(v),
            (Value::Whole(v), "i128") => Value::Whole(v),
            (Value::Whole(v), "u128") => Value::Whole((v >= 0).then_some(v)?),
            // rustc refuses all that a type of integers lacks, but what a shift drops.
            (Value::Whole(v), ty) => match fitting(v, ty) {
                // Another name of a type: each type of integers has these.
                None if !INTEGERS.contains(&ty) && (0..128).contains(&v) => Value::Whole(v),
                value => value?,
            },
            _ => return None,
        },
    })
}

fn each(all: Vec<Value>, ty: &Type) -> Option<Value> {
    let all = all.into_iter().map(|v| typed(v, ty));
    all.collect::<Option<_>>().map(Value::List)
}

/// A number of `std::f64::consts` or `std::f32::consts`.
pub fn mathematical(path: &[String]) -> Option<Value> {
    let path: Vec<&str> = path.iter().map(String::as_str).collect();
    let ["std" | "core", ty @ ("f64" | "f32"), "consts", name] = path[..] else {
        return None;
    };
    macro_rules! of {
        ($($name:ident)*) => {
            match (name, ty) {
                $(
                    (stringify!($name), "f32") => Value::Single(std::f32::consts::$name),
                    (stringify!($name), _) => Value::Number(std::f64::consts::$name),
                )*
                _ => return None,
            }
        };
    }
    Some(of! {
        E FRAC_1_PI FRAC_1_SQRT_2 FRAC_2_PI FRAC_2_SQRT_PI FRAC_PI_2 FRAC_PI_3 FRAC_PI_4 FRAC_PI_6 FRAC_PI_8
        LN_10 LN_2 LOG10_2 LOG10_E LOG2_10 LOG2_E PI SQRT_2 TAU
    })
}

/// The value with the other sign.
pub fn negative(value: Value) -> Option<Value> {
    match value {
        Value::Whole(v) => v.checked_neg().map(Value::Whole),
        Value::Number(v) => Some(Value::Number(-v)),
        Value::Single(v) => Some(Value::Single(-v)),
        _ => None,
    }
}

/// `value as ty`.
#[allow(clippy::cast_possible_truncation, clippy::cast_precision_loss)]
pub fn cast(value: Value, ty: &Type) -> Option<Value> {
    let ty = ty.to_token_stream().to_string();
    Some(match (value, ty.as_str()) {
        (Value::Whole(v), "f64") => Value::Number(v as f64),
        (Value::Whole(v), "f32") => Value::Single(v as f32),
        (Value::Number(v), "f64") => Value::Number(v),
        (Value::Number(v), "f32") => Value::Single(v as f32),
        (Value::Single(v), "f64") => Value::Number(v.into()),
        (Value::Single(v), "f32") => Value::Single(v),
        (Value::Whole(v), ty) => fitting(v, ty)?,
        (Value::Number(v), ty) => fitting(v as i128, ty)?,
        (Value::Single(v), ty) => fitting(v as i128, ty)?,
        (Value::Bool(v), ty) => fitting(i128::from(v), ty)?,
        _ => return None,
    })
}

/// An integer, if a type has it: a cast of another wraps or saturates.
fn fitting(v: i128, ty: &str) -> Option<Value> {
    let fits = match ty {
        "usize" | "u64" => u64::try_from(v).is_ok(),
        "isize" | "i64" => i64::try_from(v).is_ok(),
        "u32" => u32::try_from(v).is_ok(),
        "i32" => i32::try_from(v).is_ok(),
        "u16" => u16::try_from(v).is_ok(),
        "i16" => i16::try_from(v).is_ok(),
        "u8" => u8::try_from(v).is_ok(),
        "i8" => i8::try_from(v).is_ok(),
        _ => false,
    };
    fits.then_some(Value::Whole(v))
}

/// The result of an operator.
pub fn binary(op: &BinOp, x: Value, y: Value) -> Option<Value> {
    macro_rules! floats {
        ($x:ident, $y:ident, $variant:ident) => {
            match op {
                BinOp::Add(_) => Value::$variant($x + $y),
                BinOp::Sub(_) => Value::$variant($x - $y),
                BinOp::Mul(_) => Value::$variant($x * $y),
                BinOp::Div(_) => Value::$variant($x / $y),
                BinOp::Rem(_) => Value::$variant($x % $y),
                _ => Value::Bool(compared(op, &$x, &$y)?),
            }
        };
    }
    Some(match (x, y) {
        (Value::Whole(x), Value::Whole(y)) => match op {
            BinOp::Add(_) => Value::Whole(x.checked_add(y)?),
            BinOp::Sub(_) => Value::Whole(x.checked_sub(y)?),
            BinOp::Mul(_) => Value::Whole(x.checked_mul(y)?),
            BinOp::Div(_) => Value::Whole(x.checked_div(y)?),
            BinOp::Rem(_) => Value::Whole(x.checked_rem(y)?),
            BinOp::Shl(_) => {
                Value::Whole(x.checked_mul(1 << u32::try_from(y).ok().filter(|y| *y < 64)?)?)
            }
            BinOp::Shr(_) => Value::Whole(x >> u32::try_from(y).ok().filter(|y| *y < 64)?),
            _ => Value::Bool(compared(op, &x, &y)?),
        },
        (Value::Number(x), Value::Number(y)) => floats!(x, y, Number),
        (Value::Single(x), Value::Single(y)) => floats!(x, y, Single),
        (Value::Bool(x), Value::Bool(y)) => Value::Bool(match op {
            BinOp::And(_) | BinOp::BitAnd(_) => x && y,
            BinOp::Or(_) | BinOp::BitOr(_) => x || y,
            _ => compared(op, &x, &y)?,
        }),
        _ => return None,
    })
}

fn compared<T: PartialOrd>(op: &BinOp, x: &T, y: &T) -> Option<bool> {
    Some(match op {
        BinOp::Eq(_) => x == y,
        BinOp::Ne(_) => x != y,
        BinOp::Lt(_) => x < y,
        BinOp::Le(_) => x <= y,
        BinOp::Gt(_) => x > y,
        BinOp::Ge(_) => x >= y,
        _ => return None,
    })
}

/// The result of a method.
pub fn method(name: &str, x: Value, args: &[Value]) -> Option<Value> {
    Some(match (name, x, args) {
        ("len", Value::List(all), []) => Value::Whole(i128::try_from(all.len()).ok()?),
        ("pow", Value::Whole(x), [Value::Whole(n)]) => {
            Value::Whole(x.checked_pow(u32::try_from(*n).ok()?)?)
        }
        ("div_ceil", Value::Whole(x), [Value::Whole(y @ 1..)]) if x >= 0 => {
            Value::Whole(x / y + i128::from(x % y != 0))
        }
        ("next_power_of_two", Value::Whole(x), []) => {
            Value::Whole(u64::try_from(x).ok()?.checked_next_power_of_two()?.into())
        }
        _ => return None,
    })
}
