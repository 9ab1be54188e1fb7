//! `MultiheadAttention(embed_dim, num_heads)` (Vaswani et al., 2017): per head
//! `softmax(Q K' / sqrt(d_k)) V`, with Q, K and V linear in query, key and value, the heads side by
//! side and a linear map behind. Sequences are batch first: query (B, L, E), key (B, S, kdim), value
//! (B, S, vdim), result (B, L, E); with `need_weights`, also the weights (B, L, S), averaged over the
//! heads, or (B, H, L, S).
//!
//! Parameters as PyTorch's: `in_proj_weight` holds the maps of Q, K and V one after another, or,
//! where `kdim` or `vdim` differ, there is one for each.

use super::{Call, Init, Layer, LayerDef, ParamDecl, positive, wrong_features};
use crate::args::{Args, Given};
use crate::cx::Cx;
use crate::diag::Told;
use crate::dim::{Dim, Shape};
use crate::ir::{DType, NodeId, Op};
use crate::ops::{self, Attention as Scores};
use crate::value::{Tensor, Value};

/// The table's row.
pub const DEF: LayerDef = LayerDef {
    name: "MultiheadAttention",
    signature: "embed_dim, num_heads, dropout = 0.0, bias = true, kdim = null, vdim = null, batch_first = true",
    declare: |cx, a| {
        let embed = a.dim(cx, "embed_dim")?;
        let heads = a.dim(cx, "num_heads")?;
        positive(cx, a, "embed_dim", &embed)?;
        positive(cx, a, "num_heads", &heads)?;
        let width = cx.divides(
            &embed,
            &heads,
            a.span_of("num_heads"),
            "`num_heads` divides `embed_dim`",
        )?;
        let or_embed = |name: &str| match a.value(name) {
            Value::Null => Ok(embed.clone()),
            _ => a.dim(cx, name),
        };
        let (key, value) = (or_embed("kdim")?, or_embed("vdim")?);
        if !a.flag(cx, "batch_first")? {
            let text = "sequences are batch first here: (B, T, E)\nhelp: leave `batch_first` out, and transpose what comes otherwise: `x.transpose(0, 1)`";
            return Err(cx.error(a.span_of("batch_first"), text));
        }
        Ok(Box::new(Attention {
            bias: a.flag(cx, "bias")?,
            dropout: ops::probability(cx, a, "dropout")?,
            embed,
            heads,
            width,
            key,
            value,
        }))
    },
};

const CALL: &str = "query, key = null, value = null, key_padding_mask = null, need_weights = false, attn_mask = null, average_attn_weights = true, is_causal = false";

struct Attention {
    embed: Dim,
    heads: Dim,
    /// Of one head.
    width: Dim,
    key: Dim,
    value: Dim,
    bias: bool,
    dropout: f64,
}

impl Attention {
    /// Whether Q, K and V have one weight together.
    fn joint(&self) -> bool {
        self.key == self.embed && self.value == self.embed
    }

    fn three(&self) -> Dim {
        self.embed.mul(&Dim::from(3))
    }

    /// The weights and biases of Q, K and V.
    fn projections(&self, cx: &mut Cx, params: &[NodeId]) -> ([NodeId; 3], [Option<NodeId>; 3]) {
        let rows = |cx: &mut Cx, x: NodeId, k: i64| {
            let mut shape = cx.g.shape(x).clone();
            let mut start = vec![Dim::from(0); shape.len()];
            start[0] = self.embed.mul(&Dim::from(k));
            shape[0] = self.embed.clone();
            let step = vec![1; shape.len()];
            cx.g.push(Op::Slice { start, step }, &[x], Some(shape))
        };
        let weights = match self.joint() {
            true => [0, 1, 2].map(|k| rows(cx, params[0], k)),
            false => [params[0], params[1], params[2]],
        };
        let biases = match self.bias {
            true => {
                let all = params[if self.joint() { 1 } else { 3 }];
                [0, 1, 2].map(|k| Some(rows(cx, all, k)))
            }
            false => [None; 3],
        };
        (weights, biases)
    }

    /// (B, T, E) to (B, H, T, E / H).
    fn split(&self, cx: &mut Cx, x: NodeId) -> NodeId {
        let shape = cx.g.shape(x).clone();
        let apart = vec![
            shape[0].clone(),
            shape[1].clone(),
            self.heads.clone(),
            self.width.clone(),
        ];
        let x = cx.g.reshape(x, &apart);
        cx.g.permute(x, &[0, 2, 1, 3])
    }
}

impl Layer for Attention {
    fn params(&self) -> Vec<ParamDecl> {
        let mut out = Vec::new();
        let mut add = |name, shape: Shape, init| out.push(ParamDecl { name, shape, init });
        let xavier = |rows: &Dim, columns: &Dim| Init::Xavier(columns.clone(), rows.clone());
        if self.joint() {
            let (three, init) = (self.three(), xavier(&self.three(), &self.embed));
            add("in_proj_weight", vec![three, self.embed.clone()], init);
        } else {
            for (name, width) in [
                ("q_proj_weight", &self.embed),
                ("k_proj_weight", &self.key),
                ("v_proj_weight", &self.value),
            ] {
                let shape = vec![self.embed.clone(), width.clone()];
                add(name, shape, xavier(&self.embed, width));
            }
        }
        if self.bias {
            add("in_proj_bias", vec![self.three()], Init::Constant(0.0));
        }
        add(
            "out_proj.weight",
            vec![self.embed.clone(), self.embed.clone()],
            Init::FanIn(self.embed.clone()),
        );
        if self.bias {
            add(
                "out_proj.bias",
                vec![self.embed.clone()],
                Init::Constant(0.0),
            );
        }
        out
    }

    fn call(&self, cx: &mut Cx, call: &Call, given: Vec<Given>) -> Told<Value> {
        let a = Args::bind(cx, call.field, call.span, CALL, given)?;
        let query = a.float(cx, "query")?;
        let key = match a.given("key") {
            Some(_) => a.float(cx, "key")?,
            None => query.clone(),
        };
        let value = match a.given("value") {
            Some(_) => a.float(cx, "value")?,
            None => key.clone(),
        };
        for (x, want, name) in [
            (&query, &self.embed, "query"),
            (&key, &self.key, "key"),
            (&value, &self.value, "value"),
        ] {
            let shape = cx.shape(x);
            if shape.last() != Some(want) {
                let have = shape.last().map_or_else(String::new, Dim::to_string);
                let mended = match name {
                    "query" => format!("MultiheadAttention({have}, {})", self.heads),
                    _ => format!(
                        "MultiheadAttention({}, {}, {}dim = {have})",
                        self.embed,
                        self.heads,
                        &name[..1]
                    ),
                };
                return Err(wrong_features(cx, call, x, want, &mended));
            }
            if shape.len() != 3 {
                let text = format!(
                    "`{name}` has the shape [B, T, {want}]{}\n{}",
                    cx.whence(x),
                    call.decl
                );
                return Err(cx.error(a.span_of(name), text));
            }
        }
        let (q, k, v) = (cx.shape(&query), cx.shape(&key), cx.shape(&value));
        if q[0] != k[0] || k[..2] != v[..2] {
            let text = format!(
                "query, key and value are of one batch, key and value of one length{}{}{}",
                cx.whence(&query),
                cx.whence(&key),
                cx.whence(&value)
            );
            return Err(cx.error(call.span, text));
        }
        let (batch, length, keys) = (q[0].clone(), q[1].clone(), k[1].clone());
        let (weights, biases) = self.projections(cx, call.params);
        // Where query, key and value are one, so is their product with the weights.
        let one = query.id == key.id && key.id == value.id && self.joint();
        let heads = if one {
            let bias = self.bias.then(|| call.params[1]);
            let all = ops::linear(cx, query.id, call.params[0], bias);
            [0, 1, 2].map(|k| {
                let zero = Dim::from(0);
                let start = vec![zero.clone(), zero, self.embed.mul(&Dim::from(k))];
                let shape = vec![batch.clone(), length.clone(), self.embed.clone()];
                let step = vec![1; 3];
                cx.g.push(Op::Slice { start, step }, &[all], Some(shape))
            })
        } else {
            [
                ops::linear(cx, query.id, weights[0], biases[0]),
                ops::linear(cx, key.id, weights[1], biases[1]),
                ops::linear(cx, value.id, weights[2], biases[2]),
            ]
        };
        let [q, k, v] = heads.map(|x| Tensor {
            id: self.split(cx, x),
            text: query.text.clone(),
        });
        let shape = vec![
            batch.clone(),
            self.heads.clone(),
            length.clone(),
            keys.clone(),
        ];
        let mut scores = Scores::new(cx, call.span, &q, &k, None)?;
        if a.flag(cx, "is_causal")? {
            scores.causal(cx);
        }
        if let Some(mask) = a.optional_tensor(cx, "attn_mask")? {
            let mask = attention_mask(cx, &a, &mask, &shape)?;
            scores.masked_out(cx, mask);
        }
        if let Some(mask) = a.optional_tensor(cx, "key_padding_mask")? {
            if cx.shape(&mask) != [batch.clone(), keys.clone()] {
                let text = format!(
                    "`key_padding_mask` has the shape [{batch}, {keys}]: true where a key is padding{}",
                    cx.whence(&mask)
                );
                return Err(cx.error(a.span_of("key_padding_mask"), text));
            }
            let wide = vec![batch.clone(), Dim::one(), Dim::one(), keys.clone()];
            let mask = cx.g.reshape(mask.id, &wide);
            let mask = cx.g.expand(mask, &shape);
            scores.masked_out(cx, mask);
        }
        let (y, weights) = scores.finish(cx, call.span, &v, self.dropout)?;
        let y = cx.g.permute(y, &[0, 2, 1, 3]);
        let y = cx.g.reshape(y, &vec![batch, length, self.embed.clone()]);
        let out = call.params.len() - if self.bias { 2 } else { 1 };
        let bias = self.bias.then(|| call.params[out + 1]);
        let y = ops::linear(cx, y, call.params[out], bias);
        let y = cx.tensor(y);
        if !a.flag(cx, "need_weights")? {
            return Ok(y);
        }
        let weights = match a.flag(cx, "average_attn_weights")? {
            true => {
                let sum = cx.g.sum(weights, &[1]);
                let heads = cx.g.size(&self.heads);
                let heads = cx.g.expand(heads, &cx.g.shape(sum).clone());
                cx.g.div2(sum, heads)
            }
            false => weights,
        };
        Ok(Value::Tuple(vec![y, cx.tensor(weights)]))
    }
}

/// A mask (L, S) for all, or (B * H, L, S), in the shape of the scores.
fn attention_mask(cx: &mut Cx, a: &Args, mask: &Tensor, scores: &Shape) -> Told<NodeId> {
    let have = cx.shape(mask);
    let flat = scores[0].mul(&scores[1]);
    let mask_id = if cx.g[mask.id].dtype == DType::Bool {
        mask.id
    } else {
        cx.to_float(mask).id
    };
    if have[..] == scores[2..] {
        return Ok(cx.g.expand(mask_id, scores));
    }
    if have.len() == 3 && have[0] == flat && have[1..] == scores[2..] {
        return Ok(cx.g.reshape(mask_id, scores));
    }
    let text = format!(
        "`attn_mask` has the shape [{2}, {3}], or [{0} * {1}, {2}, {3}]{4}",
        scores[0],
        scores[1],
        scores[2],
        scores[3],
        cx.whence(mask)
    );
    Err(cx.error(a.span_of("attn_mask"), text))
}
