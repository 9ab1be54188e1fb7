//! The convolutional network for digits.

use serde_json::{Map, Value};

use super::{Model, integer, loss};
use crate::index::Case;
use crate::source::{Refusal, type_of};
use crate::tensors::Tensors;

/// Two convolutions, each with a pool after it, and two linear layers.
pub fn model(case: &Case, given: &Tensors, init: &Map<String, Value>) -> Result<Model, Refusal> {
    let size = |key, default| integer(init, key, default);
    let (c_in, c1, c2) = (size("c_in", 1), size("c1", 4), size("c2", 8));
    let (hidden, classes) = (size("hidden", 16), size("classes", 10));
    let pad = size("pad", 0);
    let side = (size("size", 28) + 2 * pad - 2) / 2;
    let side = (side + 2 * pad - 2) / 2;
    let (x, y) = (type_of(given, "in.x")?, type_of(given, "in.y")?);
    let out = type_of(given, "out.0")?;
    let loss = loss(case, "out, y")?;
    Ok(Model {
        text: format!(
            "pub struct Net {{
    conv1: Conv2d({c_in} -> {c1}, kernel_size = 3, padding = {pad}),
    conv2: Conv2d({c1} -> {c2}, kernel_size = 3, padding = {pad}),
    fc1: Linear({} -> {hidden}),
    fc2: Linear({hidden} -> {classes}),
}}

fn forward(x: {x}) -> {out} {{
    let x = max_pool2d(relu(conv1(x)), 2);
    let x = max_pool2d(relu(conv2(x)), 2);
    fc2(relu(fc1(x.flatten(1))))
}}

fn loss(x: {x}, y: {y}) -> [] {{
    let out = forward(x);
    {loss}
}}
",
            c2 * side * side
        ),
        forward: 1,
        name: str::to_owned,
    })
}
