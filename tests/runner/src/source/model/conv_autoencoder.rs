//! The autoencoder of convolutions and transposed convolutions.

use serde_json::{Map, Value};

use super::{Model, integer, loss};
use crate::index::Case;
use crate::source::{Refusal, type_of};
use crate::tensors::Tensors;

/// Two convolutions, then two transposed ones.
pub fn model(case: &Case, given: &Tensors, init: &Map<String, Value>) -> Result<Model, Refusal> {
    let size = |key, default| integer(init, key, default);
    let (c_in, c1, c2) = (size("c_in", 1), size("c1", 4), size("c2", 6));
    let out_pad = size("out_pad", 1);
    let last = match init.get("final").and_then(Value::as_str) {
        None | Some("sigmoid") => "sigmoid(y)",
        Some(_) => "y",
    };
    let (x, out) = (type_of(given, "in.x")?, type_of(given, "out.0")?);
    let loss = loss(case, "out, x")?;
    let same = "kernel_size = 3, stride = 2, padding = 1";
    Ok(Model {
        text: format!(
            "pub struct Net {{
    enc1: Conv2d({c_in} -> {c1}, {same}),
    enc2: Conv2d({c1} -> {c2}, {same}),
    dec1: ConvTranspose2d({c2} -> {c1}, {same}, output_padding = {out_pad}),
    dec2: ConvTranspose2d({c1} -> {c_in}, {same}, output_padding = {out_pad}),
}}

fn forward(x: {x}) -> {out} {{
    let z = relu(enc2(relu(enc1(x))));
    let y = dec2(relu(dec1(z)));
    {last}
}}

fn loss(x: {x}) -> [] {{
    let out = forward(x);
    {loss}
}}
"
        ),
        forward: 1,
        name: str::to_owned,
    })
}
