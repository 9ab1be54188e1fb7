//! Values without operands.

use super::ops;
use crate::args::Args;
use crate::cx::Cx;
use crate::diag::Reported;
use crate::ir::DType;
use crate::value::{Value, whole_number};
use netform_core::Number;
use netform_core::number::POSITIONS;

ops! {
    "zeros" ("size") |cx, a| full(cx, a, &Value::Number(0.0));
    "ones" ("size") |cx, a| full(cx, a, &Value::Number(1.0));
    "full" ("size, fill_value") |cx, a| { let v = filling(cx, a)?; full(cx, a, &v) };
    "zeros_like" ("input") |cx, a| like(cx, a, &Value::Whole(0));
    "ones_like" ("input") |cx, a| like(cx, a, &Value::Whole(1));
    "full_like" ("input, fill_value") |cx, a| { let v = filling(cx, a)?; like(cx, a, &v) };
    "arange" ("end") arange;
}

/// The argument `fill_value`, a number.
fn filling(cx: &Cx, a: &Args) -> Reported<Value> {
    a.number(cx, "fill_value").map(|_| a.value("fill_value"))
}

/// A whole number gives integers.
fn full(cx: &mut Cx, a: &Args, value: &Value) -> Reported<Value> {
    let shape = a.dims(cx, "size")?;
    let dtype = match value {
        Value::Whole(_) => DType::Int,
        _ => DType::Float,
    };
    let value = fitting(cx, a, value, dtype)?;
    let id = cx.g.filled(value, &shape);
    Ok(cx.tensor(id))
}

fn like(cx: &mut Cx, a: &Args, value: &Value) -> Reported<Value> {
    let x = a.tensor(cx, "input")?;
    let (shape, dtype) = (cx.shape(&x), cx.g[x.id].dtype);
    let value = fitting(cx, a, value, dtype)?;
    let id = cx.g.filled(value, &shape);
    Ok(cx.tensor(id))
}

/// The number in the result's type: towards zero for integers, 0 or 1 for booleans.
fn fitting(cx: &Cx, a: &Args, value: &Value, dtype: DType) -> Reported<Number> {
    let number = value.number().unwrap_or(f64::NAN);
    match dtype {
        DType::Float => Ok(Number::Float(number)),
        DType::Bool => Ok(Number::Bool(number != 0.0)),
        DType::Int => {
            let whole = match value {
                Value::Number(v) => whole_number(&Value::Number(v.trunc())),
                value => whole_number(value),
            };
            whole.map(Number::Int).ok_or_else(|| {
                let value = match value {
                    Value::Whole(v) => v.to_string(),
                    _ => number.to_string(),
                };
                let text = format!(
                    "`fill_value` of `{}` is outside the 64-bit integers: {value}",
                    a.callee
                );
                cx.error(a.span_of("fill_value"), text)
            })
        }
    }
}

/// 0, 1, .. as integers.
fn arange(cx: &mut Cx, a: &Args) -> Reported<Value> {
    let end = a.dim(cx, "end")?;
    if end.value().is_some_and(|n| n > POSITIONS) {
        let text = format!("`end` of `arange` is {end}: no memory holds so many integers");
        return Err(cx.error(a.span_of("end"), text));
    }
    let id = cx.g.iota(&vec![end], 0);
    Ok(cx.tensor(id))
}
