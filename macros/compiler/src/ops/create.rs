//! Values from nothing.

use super::ops;
use crate::args::Args;
use crate::cx::Cx;
use crate::diag::Told;
use crate::ir::DType;
use crate::value::Value;

ops! {
    "zeros" ("size") |cx, a| full(cx, a, 0.0);
    "ones" ("size") |cx, a| full(cx, a, 1.0);
    "full" ("size, fill_value") |cx, a| { let v = a.number(cx, "fill_value")?; full(cx, a, v) };
    "zeros_like" ("input") |cx, a| like(cx, a, 0.0);
    "ones_like" ("input") |cx, a| like(cx, a, 1.0);
    "full_like" ("input, fill_value") |cx, a| { let v = a.number(cx, "fill_value")?; like(cx, a, v) };
    "arange" ("end") arange;
}

fn full(cx: &mut Cx, a: &Args, value: f64) -> Told<Value> {
    let shape = a.dims(cx, "size")?;
    let id = cx.g.full(value, DType::Float, &shape);
    Ok(cx.tensor(id))
}

fn like(cx: &mut Cx, a: &Args, value: f64) -> Told<Value> {
    let x = a.tensor(cx, "input")?;
    let (shape, dtype) = (cx.shape(&x), cx.g[x.id].dtype);
    let id = cx.g.full(value, dtype, &shape);
    Ok(cx.tensor(id))
}

/// 0, 1, .. as integers.
fn arange(cx: &mut Cx, a: &Args) -> Told<Value> {
    let end = a.dim(cx, "end")?;
    let id = cx.g.iota(&vec![end], 0);
    cx.unsigned.push(id);
    Ok(cx.tensor(id))
}
