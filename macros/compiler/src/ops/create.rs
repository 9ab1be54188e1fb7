//! Values from nothing.

use super::ops;
use crate::args::Args;
use crate::cx::Cx;
use crate::diag::Reported;
use crate::ir::DType;
use crate::value::Value;

ops! {
    "zeros" ("size") |cx, a| full(cx, a, 0.0, DType::Float);
    "ones" ("size") |cx, a| full(cx, a, 1.0, DType::Float);
    "full" ("size, fill_value") |cx, a| {
        let v = a.number(cx, "fill_value")?;
        // A whole number fills with integers.
        let whole = matches!(a.value("fill_value"), Value::Number(_, true));
        full(cx, a, v, if whole { DType::Int } else { DType::Float })
    };
    "zeros_like" ("input") |cx, a| like(cx, a, 0.0);
    "ones_like" ("input") |cx, a| like(cx, a, 1.0);
    "full_like" ("input, fill_value") |cx, a| { let v = a.number(cx, "fill_value")?; like(cx, a, v) };
    "arange" ("end") arange;
}

fn full(cx: &mut Cx, a: &Args, value: f64, dtype: DType) -> Reported<Value> {
    let shape = a.dims(cx, "size")?;
    let value = fitting(cx, a, value, dtype)?;
    let id = cx.g.full(value, dtype, &shape);
    Ok(cx.tensor(id))
}

fn like(cx: &mut Cx, a: &Args, value: f64) -> Reported<Value> {
    let x = a.tensor(cx, "input")?;
    let (shape, dtype) = (cx.shape(&x), cx.g[x.id].dtype);
    let value = fitting(cx, a, value, dtype)?;
    let id = cx.g.full(value, dtype, &shape);
    Ok(cx.tensor(id))
}

/// The number in the type that is filled with: towards zero for integers, 0 or 1 for booleans.
fn fitting(cx: &Cx, a: &Args, value: f64, dtype: DType) -> Reported<f64> {
    Ok(match dtype {
        DType::Float => value,
        DType::Bool => f64::from(u8::from(value != 0.0)),
        DType::Int if value.trunc() >= -2_147_483_648.0 && value < 2_147_483_648.0 => value.trunc(),
        DType::Int => {
            let text = format!(
                "`fill_value` of `{}` is outside the 32-bit integers: {value}",
                a.callee
            );
            return Err(cx.error(a.span_of("fill_value"), text));
        }
    })
}

/// 0, 1, .. as integers.
fn arange(cx: &mut Cx, a: &Args) -> Reported<Value> {
    let end = a.dim(cx, "end")?;
    if end.value().is_some_and(|n| n > 1 << 31) {
        let text = format!("`end` of `arange` is outside the 32-bit integers: {end}");
        return Err(cx.error(a.span_of("end"), text));
    }
    let id = cx.g.iota(&vec![end], 0);
    cx.unsigned.insert(id);
    Ok(cx.tensor(id))
}
