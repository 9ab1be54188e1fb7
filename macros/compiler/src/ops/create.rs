//! Values without operands.

use super::ops;
use crate::args::Args;
use crate::cx::Cx;
use crate::diag::Reported;
use crate::dim::Dim;
use crate::ir::DType;
use crate::scalar::Scalar as S;
use crate::value::{Tensor, Value, whole_number};
use netform_core::Number;
use netform_core::number::POSITIONS;

ops! {
    "zeros" ("*size") |cx, a| full(cx, a, "*size", &Value::Number(0.0));
    "ones" ("*size") |cx, a| full(cx, a, "*size", &Value::Number(1.0));
    "full" ("size, fill_value") |cx, a| match scalar(cx, a) {
        Some(value) => {
            let shape = a.dims(cx, "size")?;
            let id = cx.g.expand(value.id, &shape);
            Ok(cx.tensor(id))
        }
        None => { let v = filling(cx, a)?; full(cx, a, "size", &v) }
    };
    "zeros_like" ("input") |cx, a| like(cx, a, &Value::Whole(0));
    "ones_like" ("input") |cx, a| like(cx, a, &Value::Whole(1));
    "full_like" ("input, fill_value") |cx, a| match scalar(cx, a) {
        Some(value) => scalar_like(cx, a, value),
        None => { let v = filling(cx, a)?; like(cx, a, &v) }
    };
    "arange" ("start = 0, end = None, step = 1") arange;
}

/// The argument `fill_value`, if it is a scalar whose value is not known to the macro.
fn scalar(cx: &mut Cx, a: &Args) -> Option<Tensor> {
    match a.value("fill_value") {
        v @ (Value::Dim(_) | Value::Real(_)) => Some(cx.tensor_of(&v, "")),
        Value::Tensor(t) => cx.shape(&t).is_empty().then_some(t),
        _ => None,
    }
}

/// Such a scalar for each element of `input`.
fn scalar_like(cx: &mut Cx, a: &Args, mut value: Tensor) -> Reported<Value> {
    let x = a.tensor(cx, "input")?;
    let (shape, dtype) = (cx.shape(&x), cx.g[x.id].dtype);
    if dtype == DType::Float {
        value = cx.to_float(&value);
    }
    if cx.g[value.id].dtype != dtype {
        let text = format!(
            "`fill_value` of `full_like` is {}, but `input` is {}",
            cx.typed(value.id),
            cx.typed(x.id)
        );
        return Err(cx.error(a.span_of("fill_value"), text));
    }
    let id = cx.g.expand(value.id, &shape);
    Ok(cx.tensor(id))
}

/// The argument `fill_value`, a number or a boolean.
fn filling(cx: &Cx, a: &Args) -> Reported<Value> {
    match a.value("fill_value") {
        value @ Value::Bool(_) => Ok(value),
        value => a.number(cx, "fill_value").map(|_| value),
    }
}

/// A whole number gives integers, and a boolean gives booleans.
fn full(cx: &mut Cx, a: &Args, size: &str, value: &Value) -> Reported<Value> {
    let shape = a.dims(cx, size)?;
    let dtype = match value {
        Value::Whole(_) => DType::Int,
        Value::Bool(_) => DType::Bool,
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
    let value = match value {
        Value::Bool(on) => &Value::Whole(i128::from(*on)),
        value => value,
    };
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
    // One argument is the end, as in Python's `range`.
    let (start, end) = match (a.value("start"), a.value("end")) {
        (end, Value::Null) => (Value::Whole(0), end),
        both => both,
    };
    let last = if a.given("end").is_some() {
        "end"
    } else {
        "start"
    };
    let (first, after, step) = (start.as_dim(), end.as_dim(), a.value("step").as_dim());
    let (Some(first), Some(after), Some(step)) = (first, after, step) else {
        return floats(cx, a, [start, end, a.value("step")]);
    };
    let Some(each) = step.value().filter(|each| *each != 0) else {
        let text = format!("`step` of `arange` must be an integer other than 0, not {step}");
        return Err(cx.error(a.span_of("step"), text));
    };
    // Downwards as upwards.
    let (low, high) = match each {
        ..0 => (&after, &first),
        _ => (&first, &after),
    };
    let wide = Dim::from(each.saturating_abs());
    let count = high.sub(low).add(&wide).sub(&Dim::one()).div_floor(&wide);
    if count.value().is_some_and(|n| n < 0) {
        let side = if each < 0 { "after" } else { "before" };
        let text = format!("`arange` ends at {after}, which is {side} {first}");
        return Err(cx.error(a.span_of(last), text));
    }
    if count.value().is_some_and(|n| n > POSITIONS) {
        let text = format!("`end` of `arange` is {after}: no memory holds so many integers");
        return Err(cx.error(a.span_of(last), text));
    }
    cx.at_least(
        high,
        low,
        a.span_of(last),
        "`arange` must not end before it starts",
    )?;
    let i = cx.g.iota(&vec![count], 0);
    let id = match (first.value(), each) {
        (Some(0), 1) => i,
        (_, each) => {
            let step = cx.tensor_of(&Value::Whole(each.into()), "step");
            let start = cx.tensor_of(&Value::of_dim(first), "start");
            let i = Tensor {
                id: i,
                text: "arange".into(),
            };
            let scaled = Tensor {
                id: cx.elementwise(S::Mul, a.span, "`arange`", &i, &step)?,
                text: "arange".into(),
            };
            cx.elementwise(S::Add, a.span, "`arange`", &scaled, &start)?
        }
    };
    Ok(cx.tensor(id))
}

/// The same for numbers with fractions: `start + step * i`, as many as are below `end`.
fn floats(cx: &mut Cx, a: &Args, values: [Value; 3]) -> Reported<Value> {
    let [Some(start), Some(end), Some(step)] = values.map(|v| v.number()) else {
        let text = "`arange` takes sizes, or numbers that the macro knows";
        return Err(cx.error(a.span, text));
    };
    let count = ((end - start) / step).ceil();
    if !(0.0..=POSITIONS as f64).contains(&count) {
        let text = format!(
            "`arange` from {start} to {end} in steps of {step} has a negative or too large number of elements"
        );
        return Err(cx.error(a.span, text));
    }
    let i = cx.g.iota(&vec![Dim::from(count as i64)], 0);
    let i = cx.g.cast(i, DType::Float);
    let scaled = cx.g.scale(i, step);
    let id = cx.g.shift(scaled, start);
    Ok(cx.tensor(id))
}
