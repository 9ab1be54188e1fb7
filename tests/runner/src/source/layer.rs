//! Layers: a field with PyTorch's constructor arguments, called on the inputs.

use serde_json::{Map, Value};

use super::graph::{Graph, inputs};
use super::text::{join, keywords, value, without};
use super::{Module, Refusal};
use crate::index::Case;
use crate::tensors::Tensors;

/// Pairs that are written `from -> to`.
const ARROWS: [(&str, &str); 4] = [
    ("in_features", "out_features"),
    ("num_embeddings", "embedding_dim"),
    ("in_channels", "out_channels"),
    ("input_size", "hidden_size"),
];

/// First arguments, written without their names.
const FIRST: [&str; 3] = ["normalized_shape", "num_features", "embed_dim"];

/// The module of a layer.
pub fn module(case: &Case, given: &Tensors) -> Result<Module, Refusal> {
    let init = case.attrs.get("init").and_then(Value::as_object);
    let call = case.attrs.get("call").and_then(Value::as_object);
    if init.is_some_and(|i| i.values().any(Value::is_object)) {
        return Err("a layer made of other layers".into());
    }
    let params = case.params.iter().filter_map(|p| p.strip_prefix("param."));
    // Masks are given by name; query, key and value by position.
    let arguments = inputs(case)
        .into_iter()
        .map(|name| match name.ends_with("_mask") {
            true => format!("{name} = {name}"),
            false => name,
        });
    let keywords = keywords(call.into_iter().flatten());
    Graph {
        fields: vec![format!("layer: {}", declaration(&case.name, init))],
        lets: Vec::new(),
        result: format!("layer({})", join(arguments.chain(keywords))),
        params: params
            .map(|p| (p.to_owned(), format!("layer.{p}")))
            .collect(),
    }
    .module(case, given)
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
