//! Clipping of gradients.

use serde_json::Value;

use super::text::{float, join};
use super::{Module, Refusal, optimizer, type_of};
use crate::index::Case;
use crate::tensors::Tensors;

/// The module of a clipping function.
pub fn module(case: &Case, given: &Tensors) -> Result<Module, Refusal> {
    let shapes: Vec<String> = case
        .inputs
        .iter()
        .map(|p| type_of(given, p))
        .collect::<Result<_, _>>()?;
    let args = join(case.inputs.iter().map(|n| format!("given.at({n:?})?")));
    let mut body = format!("let mut net = Net::new(device, 1)?;\nnet.loss_backward({args})?;\n");
    let attr = |key: &str| case.attrs.get(key).unwrap_or(&Value::Null);
    if case.name == "clip_grad_value_" {
        body += &format!("net.clip_grad_value({})?;\n", float(attr("clip_value")));
    } else {
        let norm = norm(attr("norm_type"))?;
        body += &format!(
            "let norm = net.clip_grad_norm({}, {norm})?;\ngot.put_number(\"out.total_norm\", norm);\n",
            float(attr("max_norm"))
        );
    }
    for i in 0..shapes.len() {
        body += &format!("got.put(\"out.{i}\", net.gradient(\"p{i}\")?);\n");
    }
    Ok(Module {
        network: optimizer::holder(&shapes),
        body,
    })
}

/// The norm of a `norm_type`.
pub fn norm(v: &Value) -> Result<String, Refusal> {
    Ok(match (v.as_f64(), v.as_str()) {
        (None, None) if v.is_null() => "Norm::L2".into(),
        (Some(2.0), _) => "Norm::L2".into(),
        (_, Some("inf" | "+inf" | "Infinity")) => "Norm::Inf".into(),
        (_, Some("-inf" | "-Infinity")) => "Norm::P(f64::NEG_INFINITY)".into(),
        (Some(p), _) => format!("Norm::P({p:?})"),
        (None, Some(text)) if text.parse::<f64>().is_ok() => format!("Norm::P({text}_f64)"),
        _ => return Err(format!("the norm {v}")),
    })
}
