//! Graphs given as programs: a `let` for each step.

use serde_json::Value;

use super::graph::Graph;
use super::text::{join, keywords, value};
use super::{Module, Refusal};
use crate::index::Case;
use crate::tensors::Tensors;

/// The module of a program.
pub fn module(case: &Case, given: &Tensors) -> Result<Module, Refusal> {
    let text = |v: &Value| v.as_str().map_or_else(|| value(v), str::to_owned);
    let steps = case.attrs.get("program").and_then(Value::as_array);
    let mut graph = Graph::default();
    for step in steps.ok_or("no program")? {
        let (Some(dest), Some(op), Some(args)) = (
            step.get(0).and_then(Value::as_str),
            step.get(1).and_then(Value::as_str),
            step.get(2).and_then(Value::as_array),
        ) else {
            return Err(format!("a step {step}"));
        };
        let attrs = step.get(3).and_then(Value::as_object);
        let args = args.iter().map(text);
        let call = join(args.chain(keywords(attrs.into_iter().flatten())));
        graph.lets.push(format!("let {dest} = {op}({call});"));
    }
    graph.result = text(case.attrs.get("output").ok_or("no output")?);
    graph.module(case, given)
}
