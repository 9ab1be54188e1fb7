//! The multilayer perceptron.

use serde_json::{Map, Value};

use super::{Model, integer, loss};
use crate::index::Case;
use crate::source::{Refusal, type_of};
use crate::tensors::Tensors;

/// Three linear layers with sigmoids between them.
pub fn model(case: &Case, given: &Tensors, init: &Map<String, Value>) -> Result<Model, Refusal> {
    let size = |key, default| integer(init, key, default);
    let (d_in, h1, h2) = (size("d_in", 8), size("h1", 10), size("h2", 7));
    let d_out = size("d_out", 3);
    let (x, y) = (type_of(given, "in.x")?, type_of(given, "in.y")?);
    let out = type_of(given, "out.0")?;
    let loss = loss(case, "out, y")?;
    Ok(Model {
        text: format!(
            "pub struct Net {{
    linear_1: Linear({d_in} -> {h1}),
    linear_2: Linear({h1} -> {h2}),
    linear_3: Linear({h2} -> {d_out}),
}}

fn forward(x: {x}) -> {out} {{
    let x = sigmoid(linear_1(x));
    let x = sigmoid(linear_2(x));
    linear_3(x)
}}

fn loss(x: {x}, y: {y}) -> [] {{
    let out = forward(x);
    {loss}
}}
"
        ),
        forward: 1,
        name: str::to_owned,
    })
}
