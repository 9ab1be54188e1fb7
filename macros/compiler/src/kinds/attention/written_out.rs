//! Attention of q, k, v and masks as products and a softmax, with stored weights: the source of gradients that no
//! kernel gives.

use super::{Attention, Dropout};
use crate::dim::Dim;
use crate::ir::{DType, Graph, NodeId, Op};
use crate::kinds::bernoulli::Bernoulli;
use crate::kinds::softmax::Softmax;
use crate::scalar::Scalar;

/// The same values behind optimization barriers.
pub fn behind_barrier(g: &mut Graph, args: &[NodeId]) -> Vec<NodeId> {
    let one = |x: &NodeId| g.push(Op::Barrier, &[*x], None);
    args.iter().map(one).collect()
}

/// Attention of q, k, v and masks as products and a softmax, with stored weights.
pub fn attention(g: &mut Graph, a: &Attention, args: &[NodeId]) -> NodeId {
    let order: &[usize] = match a.interleaved {
        true => &[0, 2, 1, 3],
        false => &[0, 1, 2, 3],
    };
    let [q, k, v] = [args[0], args[1], args[2]].map(|x| {
        let x = g.permute(x, order);
        let [b, h, rest @ ..] = &g.shape(x)[..] else {
            return x;
        };
        let flat = [&[b.mul(h)], rest].concat();
        g.reshape(x, &flat)
    });
    let [batch, heads, queries, width] = a.sizes(g.shape(args[0]));
    let [_, _, keys, value_width] = a.sizes(g.shape(args[2]));
    let products = g.matmul(q, k, false, true);
    let shape = vec![batch.clone(), heads.clone(), queries.clone(), keys];
    let scores = g.reshape(products, &shape);
    let mut scores = match &a.scale {
        Some(scale) => g.scale_by(scores, scale),
        None => {
            let width = g.size(&width);
            let factor = g.unary(Scalar::Rsqrt, width);
            g.mul2(scores, factor)
        }
    };
    for mask in &args[3..] {
        scores = g.add2(scores, *mask);
    }
    if a.causal {
        let (row, column) = (g.iota(&shape, 2), g.iota(&shape, 3));
        let keep = g.scalar(Scalar::Le, &[column, row]);
        let never = g.full(f64::NEG_INFINITY, DType::Float, &shape);
        scores = g.scalar(Scalar::Where, &[keep, scores, never]);
    }
    let weights = match args.len() {
        3 => g.push(Softmax { log: false, dim: 3 }, &[scores], None),
        _ => g.softmax_or_zero(scores),
    };
    let weights = match &a.dropout {
        Some(d) => dropped(g, weights, d),
        None => weights,
    };
    let flat = g.shape(products).clone();
    let weights = g.reshape(weights, &flat);
    let out = g.matmul(weights, v, false, false);
    let out = g.reshape(out, &vec![batch, heads, queries, value_width]);
    g.permute(out, order)
}

/// Drops the same weights (B, H, L, S) as the node does: the draw is the same.
fn dropped(g: &mut Graph, weights: NodeId, d: &Dropout) -> NodeId {
    let shape = g.shape(weights).clone();
    let mut drawn = shape.clone();
    let four = Dim::from(4);
    drawn[3] = shape[3].add(&Dim::from(3)).div_floor(&four).mul(&four);
    let draw = Bernoulli {
        keep: d.p.rest(),
        stream: d.stream,
        again: 0,
    };
    let all = g.push(draw, &[], Some(drawn));
    let (start, step) = (vec![Dim::from(0); 4], vec![1; 4]);
    let keep = g.push(Op::Slice { start, step }, &[all], Some(shape));
    let scaled = g.scale_by(weights, &d.factor());
    let zero = g.constant(0.0);
    g.select(keep, scaled, zero)
}
