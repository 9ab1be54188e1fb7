//! The decoder-only transformer. Blocks are written out: `blocks.0.fc` is the field `blocks_0_fc`.

use serde_json::{Map, Value};

use super::{Model, integer, loss};
use crate::index::Case;
use crate::source::{Refusal, type_of};
use crate::tensors::Tensors;

/// Embeddings, blocks of attention and two linear layers, and the head.
pub fn model(case: &Case, given: &Tensors, init: &Map<String, Value>) -> Result<Model, Refusal> {
    let size = |key, default| integer(init, key, default);
    let flag = |key| init.get(key).and_then(Value::as_bool) == Some(true);
    let (vocab, length, d) = (size("vocab", 30), size("block", 16), size("d", 32));
    let (heads, layers) = (size("heads", 2), size("layers", 2));
    let shape = given
        .at("in.x")
        .map_err(|e| e.to_string())?
        .shape()
        .to_vec();
    let [b, t] = shape[..] else {
        return Err(format!("ids of the shape {shape:?}"));
    };
    let mut fields =
        format!("    tok: Embedding({vocab} -> {d}),\n    pos: Embedding({length} -> {d}),\n");
    let mut body = format!("    let h = tok(x) + pos(arange({t}));\n");
    for i in 0..layers {
        fields += &block(i, d, flag("bias"));
        body += &call(i, [b as u64, t as u64, d, heads]);
    }
    fields += &format!("    ln_f: LayerNorm({d}),\n");
    fields += &format!("    head: Linear({d} -> {vocab}, bias = false),\n");
    if flag("tie") {
        fields += "    head.weight = tok.weight,\n";
    }
    body += "    head(ln_f(h))\n";
    let (x, y) = (type_of(given, "in.x")?, type_of(given, "in.y")?);
    let out = type_of(given, "out.0")?;
    let loss = loss(case, "out.flatten(0, 1), y.flatten()")?;
    let mut text = format!("pub struct Net {{\n{fields}}}\n\n");
    text += &format!("fn forward(x: {x}) -> {out} {{\n{body}}}\n\n");
    text +=
        &format!("fn loss(x: {x}, y: {y}) -> [] {{\n    let out = forward(x);\n    {loss}\n}}\n");
    Ok(Model {
        text,
        forward: 1,
        name: |name| match name.rsplit_once('.') {
            Some((layer, parameter)) => format!("{}.{parameter}", layer.replace('.', "_")),
            None => name.to_owned(),
        },
    })
}

fn block(i: u64, d: u64, bias: bool) -> String {
    let (three, four) = (3 * d, 4 * d);
    [
        format!("ln_1: LayerNorm({d})"),
        format!("attn_qkv: Linear({d} -> {three}, bias = {bias})"),
        format!("attn_proj: Linear({d} -> {d})"),
        format!("ln_2: LayerNorm({d})"),
        format!("fc: Linear({d} -> {four})"),
        format!("out: Linear({four} -> {d})"),
    ]
    .iter()
    .map(|field| format!("    blocks_{i}_{field},\n"))
    .collect()
}

fn call(i: u64, [b, t, d, heads]: [u64; 4]) -> String {
    let head = format!("reshape({b}, {t}, {heads}, {}).transpose(1, 2)", d / heads);
    format!(
        "    let (q, k, v) = blocks_{i}_attn_qkv(blocks_{i}_ln_1(h)).split({d}, dim = 2);
    let (q, k, v) = (q.{head}, k.{head}, v.{head});
    let a = scaled_dot_product_attention(q, k, v, is_causal = true);
    let h = h + blocks_{i}_attn_proj(a.transpose(1, 2).reshape({b}, {t}, {d}));
    let h = h + blocks_{i}_out(gelu(blocks_{i}_fc(blocks_{i}_ln_2(h))));\n"
    )
}
