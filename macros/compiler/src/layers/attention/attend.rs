//! The nodes of a call of attention.
//!
//! Takes query, key and value (B, T, E), checked, and masks. Returns the result (B, L, E) and, if requested, the
//! weights (B, H, L, S). Without them the heads stay side by side, as the linear maps leave them, and attention is one
//! node.

use super::{Attention, Masks, Sizes};
use crate::cx::Cx;
use crate::diag::Reported;
use crate::dim::{Dim, Shape};
use crate::ir::{DType, NodeId, Op};
use crate::kinds;
use crate::kinds::concat::Concat;
use crate::ops::{self, Attention as Scores};
use crate::value::Tensor;
use proc_macro2::Span;

/// The sequences and masks of a call.
pub struct Inputs {
    /// (B, L, E).
    pub query: NodeId,
    /// (B, S, kdim).
    pub key: NodeId,
    /// (B, S, vdim).
    pub value: NodeId,
    /// Masks.
    pub masks: Masks,
}

impl Attention {
    /// The sizes of their scores, without further keys.
    pub fn sizes(&self, cx: &Cx, query: NodeId, key: NodeId) -> Sizes {
        let (q, k) = (cx.g.shape(query), cx.g.shape(key));
        Sizes {
            batch: q[0].clone(),
            heads: self.heads.clone(),
            queries: q[1].clone(),
            keys: k[1].clone(),
        }
    }

    /// The result.
    pub fn attend(
        &self,
        cx: &mut Cx,
        span: Span,
        params: &[NodeId],
        inputs: &Inputs,
    ) -> Reported<NodeId> {
        if self.bias_kv || self.zero {
            return Ok(self.written_out(cx, span, params, inputs, true)?.0);
        }
        let sizes = self.sizes(cx, inputs.query, inputs.key);
        let heads = self.projected(cx, params, inputs).map(|x| {
            let apart = self.apart(cx, x);
            cx.g.reshape(x, &apart)
        });
        let mut args = heads.to_vec();
        args.extend(inputs.masks.added(cx, &sizes));
        let op = kinds::attention::Attention {
            causal: inputs.masks.causal,
            scale: None,
            interleaved: true,
            dropout: ops::dropout_of_weights(cx, &self.dropout),
        };
        let y = cx.g.kernel(op, &args, None)[0];
        Ok(self.joined(cx, params, y, sizes))
    }

    /// The result and the weights. As in PyTorch, a query that may attend to no key has NaN in both.
    pub fn attend_weighing(
        &self,
        cx: &mut Cx,
        span: Span,
        params: &[NodeId],
        inputs: &Inputs,
    ) -> Reported<(NodeId, NodeId)> {
        self.written_out(cx, span, params, inputs, false)
    }

    /// The same, with 0 instead of NaN if `or_zero`.
    fn written_out(
        &self,
        cx: &mut Cx,
        span: Span,
        params: &[NodeId],
        inputs: &Inputs,
        or_zero: bool,
    ) -> Reported<(NodeId, NodeId)> {
        let sizes = self.sizes(cx, inputs.query, inputs.key);
        let [q, mut k, mut v] = self.projected(cx, params, inputs);
        let mut more = 0;
        if self.bias_kv {
            let first = params.len() - if self.bias { 4 } else { 3 };
            k = self.longer(cx, k, Some(params[first]));
            v = self.longer(cx, v, Some(params[first + 1]));
            more += 1;
        }
        if self.zero {
            k = self.longer(cx, k, None);
            v = self.longer(cx, v, None);
            more += 1;
        }
        let [q, k, v] = [q, k, v].map(|x| Tensor {
            id: self.split(cx, x),
            text: "the heads".into(),
        });
        let mut scores = Scores::new(cx, span, &q, &k, None)?;
        if or_zero && (inputs.masks.attention.is_some() || inputs.masks.padding.is_some()) {
            scores.or_zero();
        }
        inputs
            .masks
            .apply(cx, &mut scores, &sizes, &Dim::from(more));
        let (y, weights) = scores.finish(cx, span, &v, &self.dropout)?;
        let y = cx.g.permute(y, &[0, 2, 1, 3]);
        Ok((self.joined(cx, params, y, sizes), weights))
    }

    /// The linear map after all heads (B, L, H, E / H).
    fn joined(&self, cx: &mut Cx, params: &[NodeId], y: NodeId, sizes: Sizes) -> NodeId {
        let flat = vec![sizes.batch, sizes.queries, self.embed.clone()];
        let y = cx.g.reshape(y, &flat);
        let out = params.len() - if self.bias { 2 } else { 1 };
        let bias = self.bias.then(|| params[out + 1]);
        ops::linear(cx, y, params[out], bias)
    }

    /// Q, K and V.
    fn projected(&self, cx: &mut Cx, params: &[NodeId], inputs: &Inputs) -> [NodeId; 3] {
        let Inputs {
            query, key, value, ..
        } = *inputs;
        // If query, key and value are the same, so is their product with the weights.
        if query == key && key == value && self.joint() {
            let bias = self.bias.then(|| params[1]);
            let all = ops::linear(cx, query, params[0], bias);
            return [0, 1, 2].map(|k| self.third(cx, all, 2, k));
        }
        let weights = match self.joint() {
            true => [0, 1, 2].map(|k| self.third(cx, params[0], 0, k)),
            false => [params[0], params[1], params[2]],
        };
        let biases = match self.bias {
            true => {
                let all = params[if self.joint() { 1 } else { 3 }];
                [0, 1, 2].map(|k| Some(self.third(cx, all, 0, k)))
            }
            false => [None; 3],
        };
        let inputs = [query, key, value];
        [0, 1, 2].map(|k| ops::linear(cx, inputs[k], weights[k], biases[k]))
    }

    /// One of the three parts that are side by side along `dim`.
    fn third(&self, cx: &mut Cx, x: NodeId, dim: usize, k: i64) -> NodeId {
        let mut shape = cx.g.shape(x).clone();
        let mut start = vec![Dim::from(0); shape.len()];
        start[dim] = self.embed.mul(&Dim::from(k));
        shape[dim] = self.embed.clone();
        let step = vec![1; shape.len()];
        cx.g.push(Op::Slice { start, step }, &[x], Some(shape))
    }

    /// Sequences with one more element: `last` (1, 1, E), or zeros.
    fn longer(&self, cx: &mut Cx, x: NodeId, last: Option<NodeId>) -> NodeId {
        let mut one = cx.g.shape(x).clone();
        one[1] = Dim::one();
        let last = match last {
            Some(last) => cx.g.expand(last, &one),
            None => cx.g.full(0.0, DType::Float, &one),
        };
        cx.g.push(Concat { dim: 1 }, &[x, last], None)
    }

    /// (B, T, E) as (B, T, H, E / H).
    fn apart(&self, cx: &Cx, x: NodeId) -> Shape {
        let shape = cx.g.shape(x);
        vec![
            shape[0].clone(),
            shape[1].clone(),
            self.heads.clone(),
            self.width.clone(),
        ]
    }

    /// (B, T, E) to (B, H, T, E / H).
    fn split(&self, cx: &mut Cx, x: NodeId) -> NodeId {
        let apart = self.apart(cx, x);
        let x = cx.g.reshape(x, &apart);
        cx.g.permute(x, &[0, 2, 1, 3])
    }
}
