//! Ops: a call with PyTorch's argument names.

use serde_json::Value;

use super::graph::{Graph, inputs};
use super::text::{join, keywords, value, without};
use super::{Module, Refusal, program};
use crate::index::Case;
use crate::tensors::Tensors;

/// The module of an op.
pub fn module(case: &Case, given: &Tensors) -> Result<Module, Refusal> {
    if case.name.ends_with("_graph") {
        return program::module(case, given);
    }
    let mut graph = Graph::default();
    let call = call(case)?;
    graph.result = match case.outputs.len() {
        1 => call,
        n => {
            // `split` returns a tuple for any number of pieces; so do `max` and `min`.
            let names = join((0..n).map(|i| format!("y{i}")));
            graph.lets.push(format!("let ({names}) = {call};"));
            format!("({names})")
        }
    };
    graph.module(case, given)
}

fn call(case: &Case) -> Result<String, Refusal> {
    let (name, attrs) = (case.name.as_str(), &case.attrs);
    let inputs = inputs(case);
    let attr = |key: &str| value(attrs.get(key).unwrap_or(&Value::Null));
    let first = inputs.first().ok_or("no input")?;
    Ok(match name {
        "slice" => slice(first, attrs.get("slices"))?,
        "cat" | "stack" => format!("{name}([{}], dim = {})", join(inputs), attr("dim")),
        "gather" | "index_select" => format!("{name}({first}, {}, {})", attr("dim"), inputs[1]),
        "einsum" => format!("einsum({}, {})", attr("equation"), join(inputs)),
        _ => {
            let keywords = keywords(without(attrs, &[]));
            // Optional tensors are given by keyword: one may be missing before another.
            let given = inputs.iter().map(|name| match name.as_str() {
                "attn_mask" | "bias" => format!("{name} = {name}"),
                _ => name.clone(),
            });
            format!("{name}({})", join(given.chain(keywords)))
        }
    })
}

/// Uses the index syntax if there is no step.
fn slice(x: &str, slices: Option<&Value>) -> Result<String, Refusal> {
    let slices = slices.and_then(Value::as_array).ok_or("no slices")?;
    let end = |v: &Value| v.as_i64().map_or(String::new(), |n| n.to_string());
    let stepped = |s: &&Value| {
        s.get(2)
            .and_then(Value::as_i64)
            .is_some_and(|step| step != 1)
    };
    if !slices.iter().any(|s| stepped(&s)) {
        let ranges = slices.iter().map(|s| match s.as_array() {
            Some(s) => format!("{}..{}", end(&s[0]), end(&s[1])),
            None => "..".into(),
        });
        return Ok(format!("{x}[{}]", join(ranges)));
    }
    let mut out = x.to_owned();
    for (dim, s) in slices.iter().enumerate() {
        if let Some([start, stop, step]) = s.as_array().map(Vec::as_slice) {
            out = format!(
                "slice({out}, dim = {dim}, start = {}, end = {}, step = {})",
                value(start),
                value(stop),
                if step.is_null() {
                    "1".into()
                } else {
                    value(step)
                }
            );
        }
    }
    Ok(out)
}
