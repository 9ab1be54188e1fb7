//! Classifiers of sequences: embedding, LSTM or GRU, linear.

use serde_json::{Map, Value};

use super::{Model, integer, loss};
use crate::index::Case;
use crate::source::{Refusal, type_of};
use crate::tensors::Tensors;

struct Sizes {
    fields: String,
    padding: u64,
    bidirectional: bool,
}

fn sizes(kind: &str, init: &Map<String, Value>) -> Sizes {
    let size = |key, default| integer(init, key, default);
    let (vocab, d, hidden) = (size("vocab", 20), size("d", 8), size("hidden", 12));
    let (layers, classes, padding) = (
        size("layers", 1),
        size("classes", 4),
        size("padding_idx", 0),
    );
    let bidirectional = init.get("bidirectional").and_then(Value::as_bool) == Some(true);
    let wide = hidden * if bidirectional { 2 } else { 1 };
    let field = kind.to_lowercase();
    let fields = format!(
        "    embedding: Embedding({vocab} -> {d}, padding_idx = {padding}),
    {field}: {kind}({d} -> {hidden}, num_layers = {layers}, bidirectional = {bidirectional}),
    fc: Linear({wide} -> {classes}),
"
    );
    Sizes {
        fields,
        padding,
        bidirectional,
    }
}

/// The last states of the top layer.
pub fn lstm(case: &Case, given: &Tensors, init: &Map<String, Value>) -> Result<Model, Refusal> {
    let sizes = sizes("LSTM", init);
    let (x, y) = (type_of(given, "in.x")?, type_of(given, "in.y")?);
    let out = type_of(given, "out.0")?;
    let loss = loss(case, "out, y")?;
    let lengths = type_of(given, "in.lengths").ok();
    let (arg, pass, call) = match &lengths {
        Some(ty) => (
            format!(", lengths: {ty}"),
            ", lengths",
            ", lengths = lengths",
        ),
        None => (String::new(), "", ""),
    };
    let top = match sizes.bidirectional {
        true => "cat([h.select(0, -2), h.select(0, -1)], dim = 1)",
        false => "h.select(0, -1)",
    };
    let text = format!(
        "pub struct Net {{\n{}}}

fn forward(x: {x}{arg}) -> {out} {{
    let (_, (h, _)) = lstm(embedding(x){call});
    fc({top})
}}

fn loss(x: {x}{arg}, y: {y}) -> [] {{
    let out = forward(x{pass});
    {loss}
}}
",
        sizes.fields
    );
    Ok(Model {
        text,
        forward: 1 + usize::from(lengths.is_some()),
        name: str::to_owned,
    })
}

/// The mean of the outputs whose token is not padding.
pub fn gru(case: &Case, given: &Tensors, init: &Map<String, Value>) -> Result<Model, Refusal> {
    let sizes = sizes("GRU", init);
    let (x, y) = (type_of(given, "in.x")?, type_of(given, "in.y")?);
    let out = type_of(given, "out.0")?;
    let loss = loss(case, "out, y")?;
    let text = format!(
        "pub struct Net {{\n{}}}

fn forward(x: {x}) -> {out} {{
    let (out, _) = gru(embedding(x));
    let keep = (x != {}).unsqueeze(-1).float();
    fc((out * keep).sum(1) / keep.sum(1))
}}

fn loss(x: {x}, y: {y}) -> [] {{
    let out = forward(x);
    {loss}
}}
",
        sizes.fields, sizes.padding
    );
    Ok(Model {
        text,
        forward: 1,
        name: str::to_owned,
    })
}
