//! The residual network. Blocks are written out: `layers.0.conv1` is the field `layers_0_conv1`.

use serde_json::{Map, Value};

use super::{Model, integer, loss};
use crate::index::Case;
use crate::source::{Refusal, type_of};
use crate::tensors::Tensors;

/// A convolution, a block of each width, the mean over the plane and a linear layer.
pub fn model(case: &Case, given: &Tensors, init: &Map<String, Value>) -> Result<Model, Refusal> {
    let widths = init.get("widths").and_then(Value::as_array);
    let widths = widths.map_or(vec![4, 8], |w| w.iter().filter_map(Value::as_u64).collect());
    let (c_in, classes) = (integer(init, "c_in", 3), integer(init, "classes", 5));
    let (&first, &last) = (widths.first().zip(widths.last())).ok_or("no widths")?;
    let mut fields = convolution("", 1, [c_in, first], "kernel_size = 3, padding = 1");
    let mut body = String::from("    let x = relu(bn1(conv1(x)));\n");
    let mut before = first;
    for (i, &width) in widths.iter().enumerate() {
        let (p, stride) = (format!("layers_{i}_"), if i == 0 { 1 } else { 2 });
        let settings = format!("kernel_size = 3, stride = {stride}, padding = 1");
        fields += &convolution(&p, 1, [before, width], &settings);
        fields += &convolution(&p, 2, [width, width], "kernel_size = 3, padding = 1");
        let skip = if stride == 1 && before == width {
            "x".to_owned()
        } else {
            fields += &format!(
                "    {p}downsample_0: Conv2d({before} -> {width}, kernel_size = 1, stride = {stride}, bias = false),\n    {p}downsample_1: BatchNorm2d({width}),\n"
            );
            format!("{p}downsample_1({p}downsample_0(x))")
        };
        body += &format!(
            "    let skip = {skip};\n    let y = relu({p}bn1({p}conv1(x)));\n    let x = relu({p}bn2({p}conv2(y)) + skip);\n"
        );
        before = width;
    }
    fields += &format!("    fc: Linear({last} -> {classes}),\n");
    body += "    fc(x.mean([2, 3]))\n";
    let (x, y) = (type_of(given, "in.x")?, type_of(given, "in.y")?);
    let out = type_of(given, "out.0")?;
    let loss = loss(case, "out, y")?;
    let mut text = format!("pub struct Net {{\n{fields}}}\n\n");
    text += &format!("fn forward(x: {x}) -> {out} {{\n{body}}}\n\n");
    text +=
        &format!("fn loss(x: {x}, y: {y}) -> [] {{\n    let out = forward(x);\n    {loss}\n}}\n");
    text += &format!(
        "\nfn trained(x: {x}, #[grad] dy: {out}) -> [] {{\n    (forward(x) * dy).sum()\n}}\n"
    );
    Ok(Model {
        text,
        forward: 1,
        name: |name| match name.rsplit_once('.') {
            Some((layer, parameter)) => format!("{}.{parameter}", layer.replace('.', "_")),
            None => name.to_owned(),
        },
    })
}

/// A convolution and its norm.
fn convolution(prefix: &str, k: usize, [from, to]: [u64; 2], settings: &str) -> String {
    format!(
        "    {prefix}conv{k}: Conv2d({from} -> {to}, {settings}, bias = false),\n    {prefix}bn{k}: BatchNorm2d({to}),\n"
    )
}
