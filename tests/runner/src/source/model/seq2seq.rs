//! The encoder and decoder of `nn.Transformer`, with sinusoidal positions in a buffer.

use serde_json::{Map, Value};

use super::{Model, integer, loss};
use crate::index::Case;
use crate::source::{Refusal, type_of};
use crate::tensors::Tensors;

/// Embeddings, positions, the Transformer, and the generator of words.
pub fn model(case: &Case, given: &Tensors, init: &Map<String, Value>) -> Result<Model, Refusal> {
    let size = |key, default| integer(init, key, default);
    let (from, to, d) = (size("src_vocab", 18), size("tgt_vocab", 15), size("d", 32));
    let (heads, enc, dec) = (size("heads", 2), size("enc", 1), size("dec", 1));
    let (ff, longest, pad) = (size("ff", 64), size("max_len", 32), size("pad", 0));
    let first = init.get("norm_first").and_then(Value::as_bool) == Some(true);
    let activation = init
        .get("activation")
        .and_then(Value::as_str)
        .unwrap_or("relu");
    let (src, tgt) = (type_of(given, "in.src")?, type_of(given, "in.tgt_in")?);
    let (y, out) = (type_of(given, "in.tgt_out")?, type_of(given, "out.0")?);
    let length =
        |name: &str| Ok::<_, Refusal>(given.at(name).map_err(|e| e.to_string())?.shape()[1]);
    let (s, t) = (length("in.src")?, length("in.tgt_in")?);
    let loss = loss(case, "out.flatten(0, 1), tgt_out.flatten()")?;
    let scale = (d as f64).sqrt();
    let text = format!(
        "pub struct Net {{
    src_emb: Embedding({from} -> {d}, padding_idx = {pad}),
    tgt_emb: Embedding({to} -> {d}, padding_idx = {pad}),
    pos_pe: Buffer[{longest}, {d}],
    transformer: Transformer({d}, {heads}, {enc}, {dec}, {ff}, dropout = 0.0, activation = {activation:?}, norm_first = {first}),
    generator: Linear({d} -> {to}),
}}

fn forward(src: {src}, tgt: {tgt}) -> {out} {{
    let hidden = src == {pad};
    let s = src_emb(src) * {scale:?} + pos_pe[0..{s}];
    let t = tgt_emb(tgt) * {scale:?} + pos_pe[0..{t}];
    let later = ones([{t}, {t}]).triu(1) > 0.5;
    generator(transformer(
        s,
        t,
        tgt_mask = later,
        src_key_padding_mask = hidden,
        tgt_key_padding_mask = tgt == {pad},
        memory_key_padding_mask = hidden,
    ))
}}

fn loss(src: {src}, tgt: {tgt}, tgt_out: {y}) -> [] {{
    let out = forward(src, tgt);
    {loss}
}}
"
    );
    Ok(Model {
        text,
        forward: 2,
        name: |name| match name {
            "pos.pe" => "pos_pe".to_owned(),
            other => other.to_owned(),
        },
    })
}
