//! Layers: a field with PyTorch's constructor arguments, called on the inputs.

use serde_json::{Map, Value};

use super::graph::{Graph, inputs};
use super::text::{join, keywords, value, without};
use super::{Module, Refusal};
use crate::index::Case;
use crate::tensors::Tensors;

/// Pairs of arguments that are written `from -> to`.
const ARROWS: [(&str, &str); 4] = [
    ("in_features", "out_features"),
    ("num_embeddings", "embedding_dim"),
    ("in_channels", "out_channels"),
    ("input_size", "hidden_size"),
];

/// First arguments, written without their names.
const FIRST: [&str; 3] = ["normalized_shape", "num_features", "embed_dim"];

/// Arguments whose default differs from PyTorch's: if a case leaves one out, PyTorch's default is written.
const OTHER_DEFAULTS: [&str; 1] = ["batch_first"];

/// A layer's arguments, with PyTorch's defaults where netform's differ.
fn completed(
    init: Option<&Map<String, Value>>,
    defaults: &Map<String, Value>,
) -> Map<String, Value> {
    let mut init = init.cloned().unwrap_or_default();
    for key in OTHER_DEFAULTS {
        if let Some(value) = defaults.get(key) {
            init.entry(key).or_insert_with(|| value.clone());
        }
    }
    init
}

/// The module of a layer.
pub fn module(case: &Case, given: &Tensors) -> Result<Module, Refusal> {
    let init = case.attrs.get("init").and_then(Value::as_object);
    let call = case.attrs.get("call").and_then(Value::as_object);
    let params = case.params.iter().filter_map(|p| p.strip_prefix("param."));
    let buffers = case
        .buffers
        .iter()
        .filter_map(|b| b.strip_prefix("buffer."));
    let own = |p: &str| (p.to_owned(), format!("layer.{p}"));
    let arguments = arguments(case);
    let mut keywords = keywords(call.into_iter().flatten());
    // PyTorch's attention returns its weights by default.
    let asks = call.is_some_and(|call| call.contains_key("need_weights"));
    if case.name == "MultiheadAttention" && case.outputs.len() == 2 && !asks {
        keywords.push("need_weights = true".to_owned());
    }
    let declared = match init.and_then(|i| i.get("layer")).and_then(Value::as_object) {
        Some(layer) => {
            let layer = completed(Some(layer), &case.defaults);
            stacked(&case.name, init, &layer)
        }
        None => declaration(&case.name, Some(&completed(init, &case.defaults))),
    };
    let mut result = format!("layer({})", join(arguments.into_iter().chain(keywords)));
    let mut lets = Vec::new();
    if case.name == "LSTM" {
        // Its states are a tuple within the tuple.
        lets.push(format!("let (output, (h_n, c_n)) = {result};"));
        result = "(output, h_n, c_n)".to_owned();
    }
    Graph {
        fields: vec![format!("layer: {declared}")],
        lets,
        result,
        params: params.map(own).collect(),
        buffers: buffers.map(own).collect(),
    }
    .module(case, given)
}

/// Masks and lengths are given by name; a recurrence's states are one argument; all others by position.
fn arguments(case: &Case) -> Vec<String> {
    let inputs = inputs(case);
    let has = |name: &str| inputs.iter().any(|i| i == name);
    let stack = case.name == "TransformerEncoder";
    let mut out = Vec::new();
    for name in &inputs {
        out.push(match name.as_str() {
            "h0" | "hx" | "h" if has("c0") || has("cx") || has("c") => continue,
            "c0" => "(h0, c0)".to_owned(),
            "cx" => "(hx, cx)".to_owned(),
            "c" => "(h, c)".to_owned(),
            "src_mask" if stack => format!("mask = {name}"),
            n if n.ends_with("mask") || n == "lengths" => format!("{n} = {n}"),
            n => n.to_owned(),
        });
    }
    out
}

/// `TransformerEncoder(TransformerEncoderLayer(d_model = 8, nhead = 2), num_layers = 2)`.
fn stacked(name: &str, init: Option<&Map<String, Value>>, layer: &Map<String, Value>) -> String {
    let of = |key: &str| init.and_then(|i| i.get(key));
    let mut args = vec![declaration(&format!("{name}Layer"), Some(layer))];
    args.extend(of("num_layers").map(|n| format!("num_layers = {}", value(n))));
    if of("norm").and_then(Value::as_bool) == Some(true) {
        let model = layer.get("d_model").map_or(String::new(), value);
        args.push(format!("norm = LayerNorm({model})"));
    }
    format!("{name}({})", join(args))
}

/// `Linear(4 -> 3, bias = false)`.
pub fn declaration(name: &str, init: Option<&Map<String, Value>>) -> String {
    let empty = Map::new();
    let init = init.unwrap_or(&empty);
    let mut args = Vec::new();
    let mut done = Vec::new();
    for (from, to) in ARROWS {
        if let (Some(a), Some(b)) = (init.get(from), init.get(to)) {
            args.push(format!("{} -> {}", value(a), value(b)));
            done.extend([from, to]);
        }
    }
    for first in FIRST {
        if let Some(v) = init.get(first) {
            args.push(value(v));
            done.push(first);
        }
    }
    args.extend(keywords(without(init, &done)));
    format!("{name}({})", join(args))
}
