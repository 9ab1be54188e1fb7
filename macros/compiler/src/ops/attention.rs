//! Scaled dot-product attention (Vaswani et al., 2017).
//!
//! Takes query, key, value and masks. Builds one node (`kinds::attention`) that never stores the weights of all queries
//! and keys; or products and a softmax if the shapes do not fit that node. Gradients that the node lacks are in
//! `kinds::attention::written_out`.

use super::activation::dropout;
use super::matmul::matmul;
use super::ops;
use super::probability;
use crate::args::Args;
use crate::cx::Cx;
use crate::diag::Reported;
use crate::dim::{Dim, Shape, numel};
use crate::ir::{DType, NodeId};
use crate::kinds;
use crate::kinds::attention::Dropout;
use crate::kinds::softmax::Softmax;
use crate::real::Real;
use crate::scalar::Scalar as S;
use crate::value::{Tensor, Value};
use proc_macro2::Span;

ops! {
    "scaled_dot_product_attention"
        ("query, key, value, attn_mask = None, dropout_p = 0.0, is_causal = false, scale = None, enable_gqa = false") attention_op;
}

/// `softmax(query key' * scale + mask) value` with query (.., L, E), key (.., S, E), value (.., S, V).
fn attention_op(cx: &mut Cx, a: &Args) -> Reported<Value> {
    let (q, mut k, mut v) = (
        a.float(cx, "query")?,
        a.float(cx, "key")?,
        a.float(cx, "value")?,
    );
    for (name, x) in [("query", &q), ("key", &k), ("value", &v)] {
        if cx.shape(x).len() < 2 {
            let text = format!(
                "`{name}` must be [.., T, C], but has {}{}",
                crate::args::count(cx.shape(x).len(), "dimension"),
                cx.origin_note(x)
            );
            return Err(cx.error(a.span_of(name), text));
        }
    }
    if a.flag(cx, "enable_gqa")? {
        for (name, x) in [("key", &mut k), ("value", &mut v)] {
            x.id = grouped(cx, a, name, &q, x)?;
        }
    }
    let causal = a.flag(cx, "is_causal")?;
    let mask = a.optional_tensor(cx, "attn_mask")?;
    if causal && mask.is_some() {
        let text = "`is_causal` and `attn_mask` cannot be used together\nhelp: remove one of them";
        return Err(cx.error(a.span_of("is_causal"), text));
    }
    let dropout_p = probability(cx, a, "dropout_p")?;
    let scale = a.optional_real(cx, "scale")?;
    if let Some(y) = fused(
        cx,
        [&q, &k, &v],
        mask.as_ref(),
        (causal, scale.as_ref(), &dropout_p),
    ) {
        return Ok(cx.tensor(y));
    }
    let mut scores = Attention::new(cx, a.span, &q, &k, scale.as_ref())?;
    if causal {
        scores.causal(cx);
    } else if mask.is_some() {
        scores.or_zero();
        scores.scores = masked(cx, a, scores.scores, mask)?;
    }
    let (y, _) = scores.finish(cx, a.span, &v, &dropout_p)?;
    Ok(cx.tensor(y))
}

/// Keys or values of fewer heads (.., G, S, E) than the query's: each serves several of the query's heads, side by side
/// (Ainslie et al., 2023).
fn grouped(cx: &mut Cx, a: &Args, name: &str, query: &Tensor, x: &Tensor) -> Reported<NodeId> {
    let (q, shape) = (cx.shape(query), cx.shape(x));
    if q.len() < 3 || shape.len() != q.len() {
        let text = format!(
            "with `enable_gqa`, `query` and `{name}` need a dimension of heads: [.., heads, T, C]{}{}",
            cx.origin_note(query),
            cx.origin_note(x)
        );
        return Err(cx.error(a.span_of(name), text));
    }
    let at = q.len() - 3;
    let why = format!("the heads of `{name}` must divide those of `query`");
    let times = cx.divides(&q[at], &shape[at], a.span_of(name), &why)?;
    let repeated = cx.g.unsqueeze(x.id, at + 1);
    let mut wide = cx.g.shape(repeated).clone();
    wide[at + 1] = times;
    let repeated = cx.g.expand(repeated, &wide);
    let mut flat = shape;
    flat[at] = q[at].clone();
    Ok(cx.g.reshape(repeated, &flat))
}

/// Dropout of weights with this probability: in training only.
pub fn dropout_of_weights(cx: &mut Cx, p: &Real) -> Option<Dropout> {
    let drops = cx.train && !p.is(0.0);
    drops.then(|| Dropout {
        p: p.clone(),
        stream: cx.stream(),
    })
}

/// Attention as one node; `None` if the shapes do not fit the node (a mask has a batch that nothing else has) or do not
/// fit at all.
fn fused(
    cx: &mut Cx,
    inputs: [&Tensor; 3],
    mask: Option<&Tensor>,
    (causal, scale, dropout_p): (bool, Option<&Real>, &Real),
) -> Option<NodeId> {
    let shapes = inputs.map(|x| cx.shape(x));
    let [q, k, v] = shapes.each_ref().map(|s| s.split_at(s.len() - 2));
    let lead = common(&common(q.0, k.0)?, v.0)?;
    if q.1[1] != k.1[1] || k.1[0] != v.1[0] {
        return None;
    }
    let scores = [&lead[..], &[q.1[0].clone(), k.1[0].clone()]].concat();
    let mask = match mask {
        Some(mask) => {
            let shape = cx.shape(mask);
            if common(&scores, &shape)? != scores {
                return None;
            }
            Some(additive_mask(cx, mask, &lead))
        }
        None => None,
    };
    let split = lead.len().saturating_sub(1);
    let (batch, heads) = (numel(&lead[..split]), numel(&lead[split..]));
    let mut args: Vec<NodeId> = Vec::new();
    for (x, shape) in inputs.into_iter().zip(&shapes) {
        let rows = &shape[shape.len() - 2..];
        let x = cx.g.expand(x.id, &[&lead[..], rows].concat());
        let four = [&[batch.clone(), heads.clone()], rows].concat();
        args.push(cx.g.reshape(x, &four));
    }
    args.extend(mask);
    let op = kinds::attention::Attention {
        causal,
        scale: scale.cloned(),
        interleaved: false,
        dropout: dropout_of_weights(cx, dropout_p),
    };
    let y = cx.g.kernel(op, &args, None)[0];
    let shape = [&lead[..], &[q.1[0].clone(), v.1[1].clone()]].concat();
    Some(cx.g.reshape(y, &shape))
}

/// The shape to which both broadcast.
fn common(x: &[Dim], y: &[Dim]) -> Option<Shape> {
    let rank = x.len().max(y.len());
    let at = |s: &[Dim], d: usize| match (d + s.len()).checked_sub(rank) {
        Some(d) => s[d].clone(),
        None => Dim::one(),
    };
    let one = |d: usize| match (at(x, d), at(y, d)) {
        (a, b) if a == b || b.is_one() => Some(a),
        (a, b) if a.is_one() => Some(b),
        _ => None,
    };
    (0..rank).map(one).collect()
}

/// A mask to be added, of rank 4. Repeated dimensions stay 1, provided that the dimensions before the last of `lead`
/// repeat together. Booleans are true where a position takes part.
fn additive_mask(cx: &mut Cx, mask: &Tensor, lead: &[Dim]) -> NodeId {
    let x = match cx.g[mask.id].dtype {
        DType::Bool => {
            let shape = cx.shape(mask);
            let zero = cx.g.full(0.0, DType::Float, &shape);
            only(cx, zero, mask.id, &shape)
        }
        _ => cx.to_float(mask).id,
    };
    let rank = lead.len() + 2;
    let mut shape = vec![Dim::one(); rank - cx.g.shape(x).len()];
    shape.extend(cx.g.shape(x).iter().cloned());
    let split = lead.len().saturating_sub(1);
    let mut x = cx.g.reshape(x, &shape);
    if shape[..split].iter().any(|d| !d.is_one()) {
        shape[..split].clone_from_slice(&lead[..split]);
        x = cx.g.expand(x, &shape);
    }
    let (batch, heads) = (numel(&shape[..split]), numel(&shape[split..lead.len()]));
    let four = [&[batch, heads], &shape[lead.len()..]].concat();
    cx.g.reshape(x, &four)
}

/// Attention while its scores (.., L, S) are built.
pub struct Attention {
    scores: NodeId,
    /// A query without keys has the result 0, not NaN.
    or_zero: bool,
}

impl Attention {
    /// `query key' * scale`; the scale is `1 / sqrt(width)` if none is given.
    pub fn new(
        cx: &mut Cx,
        span: Span,
        query: &Tensor,
        key: &Tensor,
        scale: Option<&Real>,
    ) -> Reported<Self> {
        let transposed = Tensor {
            id: cx.g.transpose_last(key.id),
            text: format!("{}'", key.text),
        };
        let scores = matmul(cx, span, query, &transposed)?;
        let scores = match scale {
            Some(scale) => cx.g.scale_by(scores, scale),
            None => {
                let width = cx.shape(query)[cx.shape(query).len() - 1].clone();
                let width = cx.g.size(&width);
                let factor = cx.g.unary(S::Rsqrt, width);
                cx.g.binary(S::Mul, scores, factor)
            }
        };
        Ok(Attention {
            scores,
            or_zero: false,
        })
    }

    /// A query that may attend to no key has weights of 0 instead of 0 / 0.
    pub fn or_zero(&mut self) {
        self.or_zero = true;
    }

    /// Position `i` sees positions up to `i`, aligned at the start.
    pub fn causal(&mut self, cx: &mut Cx) {
        let shape = cx.g.shape(self.scores).clone();
        let rank = shape.len();
        let (row, column) = (cx.g.iota(&shape, rank - 2), cx.g.iota(&shape, rank - 1));
        let keep = cx.g.scalar(S::Le, &[column, row]);
        self.scores = only(cx, self.scores, keep, &shape);
    }

    /// A mask of the scores' shape: booleans are true where a position takes no part; floats are
    /// added.
    pub fn masked_out(&mut self, cx: &mut Cx, mask: NodeId) {
        self.scores = match cx.g[mask].dtype {
            DType::Bool => {
                let shape = cx.g.shape(self.scores).clone();
                let never = cx.g.full(f64::NEG_INFINITY, DType::Float, &shape);
                cx.g.scalar(S::Where, &[mask, never, self.scores])
            }
            _ => cx.g.add2(self.scores, mask),
        };
    }

    /// The result and the weights.
    pub fn finish(
        self,
        cx: &mut Cx,
        span: Span,
        value: &Tensor,
        dropout_p: &Real,
    ) -> Reported<(NodeId, NodeId)> {
        let dim = cx.g.shape(self.scores).len() - 1;
        let weights = match self.or_zero {
            true => cx.g.softmax_or_zero(self.scores),
            false => {
                let softmax = Softmax { log: false, dim };
                cx.g.push(softmax, &[self.scores], None)
            }
        };
        let weights = Tensor {
            id: dropout(cx, weights, dropout_p),
            text: "the attention's weights".into(),
        };
        let y = matmul(cx, span, &weights, value)?;
        Ok((y, weights.id))
    }
}

/// `scores` where `keep` is true, elsewhere minus infinity.
fn only(cx: &mut Cx, scores: NodeId, keep: NodeId, shape: &Shape) -> NodeId {
    let never = cx.g.full(f64::NEG_INFINITY, DType::Float, shape);
    cx.g.scalar(S::Where, &[keep, scores, never])
}

/// A boolean mask is true where a position takes part; a float mask is added.
fn masked(cx: &mut Cx, a: &Args, scores: NodeId, mask: Option<Tensor>) -> Reported<NodeId> {
    let Some(mask) = mask else { return Ok(scores) };
    let scores = Tensor {
        id: scores,
        text: "the scores".into(),
    };
    let span = a.span_of("attn_mask");
    let shape = cx.broadcast(span, "`attn_mask`", &[&scores, &mask])?;
    let x = cx.g.expand(scores.id, &shape);
    if cx.g[mask.id].dtype == DType::Bool {
        let keep = cx.g.expand(mask.id, &shape);
        return Ok(only(cx, x, keep, &shape));
    }
    let mask = cx.to_float(&mask);
    let mask = cx.g.expand(mask.id, &shape);
    Ok(cx.g.add2(x, mask))
}
