//! Normalisation over trailing dimensions.

use super::ops;
use super::reduce::{centred, over_root_mean_square};
use crate::args::Args;
use crate::cx::Cx;
use crate::diag::Reported;
use crate::dim::{Shape, show_shape};
use crate::ir::NodeId;
use crate::real::Real;
use crate::scalar::Scalar as S;
use crate::value::{Tensor, Value};

ops! {
    "layer_norm" ("input, normalized_shape, weight = None, bias = None, eps = 1e-5") |cx, a| norm_op(cx, a, true);
    "rms_norm" ("input, normalized_shape, weight = None, eps = None") |cx, a| norm_op(cx, a, false);
}

/// The machine epsilon of f32: PyTorch's default `eps` of RMSNorm for float inputs.
pub const RMS_EPS: f64 = f32::EPSILON as f64;

/// The trailing dimensions, or an error if they differ from `x`'s.
pub fn trailing(
    cx: &Cx,
    a: &Args,
    callee: &str,
    x: &Tensor,
    shape: &Shape,
) -> Reported<Vec<usize>> {
    let whole = cx.shape(x);
    match whole.len().checked_sub(shape.len()) {
        Some(lead) if cx.same_shape(&whole[lead..], shape) => Ok((lead..whole.len()).collect()),
        _ => {
            let ends = &whole[whole.len().saturating_sub(shape.len())..];
            let shown = show_shape(ends);
            // Sizes that are known only at the call cannot be declared.
            let known = ends.iter().all(|d| d.names().is_empty()) && !ends.is_empty();
            let help = match (callee.split_once(": "), ends) {
                _ if !known => String::new(),
                (None, _) => format!("\nhelp: `normalized_shape = {shown}`"),
                (Some(_), [one]) if shape.len() == 1 => {
                    let mended = callee.replacen(&shape[0].to_string(), &one.to_string(), 1);
                    match mended.contains(&format!("({one}")) {
                        true => format!("\nhelp: declare `{mended}`"),
                        false => String::new(),
                    }
                }
                _ => String::new(),
            };
            let name = callee.split(": ").next().unwrap_or(callee);
            let decl = match name == callee {
                true => String::new(),
                false => format!("\n{callee}"),
            };
            let text = format!(
                "`{name}` normalises over {}, but `{}` ends in {shown}{}{decl}{help}",
                show_shape(shape),
                x.text,
                cx.origin_note(x),
            );
            Err(cx.error(a.span, text))
        }
    }
}

/// `(x - mean) / sqrt(var + eps) * weight + bias` (Ba et al., 2016).
pub fn layer_norm(
    cx: &mut Cx,
    x: NodeId,
    dims: &[usize],
    weight: Option<NodeId>,
    bias: Option<NodeId>,
    eps: &Real,
) -> NodeId {
    let (_, d) = centred(cx, x, dims);
    let y = over_root_mean_square(cx, d, dims, eps);
    affine(cx, y, weight, bias)
}

/// `x / sqrt(mean(x^2) + eps) * weight` (Zhang and Sennrich, 2019).
pub fn rms_norm(
    cx: &mut Cx,
    x: NodeId,
    dims: &[usize],
    weight: Option<NodeId>,
    eps: &Real,
) -> NodeId {
    let y = over_root_mean_square(cx, x, dims, eps);
    affine(cx, y, weight, None)
}

fn affine(cx: &mut Cx, x: NodeId, weight: Option<NodeId>, bias: Option<NodeId>) -> NodeId {
    let mut y = x;
    if let Some(w) = weight {
        y = cx.g.binary(S::Mul, y, w);
    }
    if let Some(b) = bias {
        y = cx.g.binary(S::Add, y, b);
    }
    y
}

fn norm_op(cx: &mut Cx, a: &Args, layer: bool) -> Reported<Value> {
    let x = a.float(cx, "input")?;
    let shape = a.dims(cx, "normalized_shape")?;
    let dims = trailing(cx, a, &a.callee, &x, &shape)?;
    let by = |cx: &mut Cx, name: &str| -> Reported<Option<NodeId>> {
        let Some(t) = a.optional_float(cx, name)? else {
            return Ok(None);
        };
        if !cx.same_shape(&cx.shape(&t), &shape) {
            let text = format!(
                "`{name}` of `{}` must be {}, but is {}{}",
                a.callee,
                show_shape(&shape),
                cx.typed(t.id),
                cx.origin_line(&t)
            );
            return Err(cx.error(a.span_of(name), text));
        }
        Ok(Some(t.id))
    };
    let weight = by(cx, "weight")?;
    let y = if layer {
        let bias = by(cx, "bias")?;
        let eps = a.real(cx, "eps")?;
        layer_norm(cx, x.id, &dims, weight, bias, &eps)
    } else {
        let eps = a.optional_real(cx, "eps")?.unwrap_or(Real::Known(RMS_EPS));
        rms_norm(cx, x.id, &dims, weight, &eps)
    };
    Ok(cx.tensor(y))
}
