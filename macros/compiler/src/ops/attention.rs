//! Scaled dot-product attention (Vaswani et al., 2017).

use super::activation::dropout;
use super::matmul::matmul;
use super::ops;
use super::probability;
use crate::args::Args;
use crate::cx::Cx;
use crate::diag::Told;
use crate::dim::Shape;
use crate::ir::{DType, NodeId, Op};
use crate::scalar::Scalar as S;
use crate::value::{Tensor, Value};
use proc_macro2::Span;

ops! {
    "scaled_dot_product_attention"
        ("query, key, value, attn_mask = null, dropout_p = 0.0, is_causal = false, scale = null") attention_op;
}

/// `softmax(query key' * scale + mask) value` with query (.., L, E), key (.., S, E), value (.., S, V).
fn attention_op(cx: &mut Cx, a: &Args) -> Told<Value> {
    let (q, k, v) = (
        a.float(cx, "query")?,
        a.float(cx, "key")?,
        a.float(cx, "value")?,
    );
    for (name, x) in [("query", &q), ("key", &k), ("value", &v)] {
        if cx.shape(x).len() < 2 {
            let text = format!("`{name}` has the shape (.., length, width){}", cx.whence(x));
            return Err(cx.error(a.span_of(name), text));
        }
    }
    let causal = a.flag(cx, "is_causal")?;
    let mask = a.optional_tensor(cx, "attn_mask")?;
    if causal && mask.is_some() {
        let text = "`is_causal` stands for a mask, but `attn_mask` is given too\nhelp: leave one of them out";
        return Err(cx.error(a.span_of("is_causal"), text));
    }
    let dropout_p = probability(cx, a, "dropout_p")?;
    let scale = a.optional_number(cx, "scale")?;
    let mut scores = Attention::new(cx, a.span, &q, &k, scale)?;
    if causal {
        scores.causal(cx);
    } else {
        scores.scores = masked(cx, a, scores.scores, mask)?;
    }
    let (y, _) = scores.finish(cx, a.span, &v, dropout_p)?;
    Ok(cx.tensor(y))
}

/// Attention while its scores (.., L, S) are made.
pub struct Attention {
    scores: NodeId,
}

impl Attention {
    /// `query key' * scale`; the scale is `1 / sqrt(width)` if none is given.
    pub fn new(
        cx: &mut Cx,
        span: Span,
        query: &Tensor,
        key: &Tensor,
        scale: Option<f64>,
    ) -> Told<Self> {
        let transposed = Tensor {
            id: cx.g.transpose_last(key.id),
            text: format!("{}'", key.text),
        };
        let scores = matmul(cx, span, query, &transposed)?;
        let scores = match scale {
            Some(scale) => cx.g.scale(scores, scale),
            None => {
                let width = cx.shape(query)[cx.shape(query).len() - 1].clone();
                let width = cx.g.size(&width);
                let factor = cx.g.unary(S::Rsqrt, width);
                cx.g.binary(S::Mul, scores, factor)
            }
        };
        Ok(Attention { scores })
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
        dropout_p: f64,
    ) -> Told<(NodeId, NodeId)> {
        let dim = cx.g.shape(self.scores).len() - 1;
        let weights =
            cx.g.push(Op::Softmax { log: false, dim }, &[self.scores], None);
        let weights = Tensor {
            id: dropout(cx, weights, dropout_p),
            text: "the attention's weights".into(),
        };
        let y = matmul(cx, span, &weights, value)?;
        Ok((y, weights.id))
    }
}

/// `keep` where it is true, elsewhere minus infinity.
fn only(cx: &mut Cx, scores: NodeId, keep: NodeId, shape: &Shape) -> NodeId {
    let never = cx.g.full(f64::NEG_INFINITY, DType::Float, shape);
    cx.g.scalar(S::Where, &[keep, scores, never])
}

/// A boolean mask is true where a position takes part; a float mask is added.
fn masked(cx: &mut Cx, a: &Args, scores: NodeId, mask: Option<Tensor>) -> Told<NodeId> {
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
