//! The gradients of attention: one node that makes the weights again, block by block. What that node
//! does not give (the gradient of a mask, a second derivative) comes from attention written out.

use crate::dim::Dim;
use crate::ir::{Attention, DType, Dropout, Graph, NodeId, Op};
use crate::passes::autodiff;
use crate::scalar::Scalar;

/// Gradients of q, k, v and masks. Keeps them and the results.
pub fn rule(
    g: &mut Graph,
    y: NodeId,
    a: &Attention,
    wanted: &[bool],
    dy: NodeId,
) -> Vec<Option<NodeId>> {
    let args = g[y].args.clone();
    if wanted[3..].contains(&true) {
        let inputs = fresh(g, &args);
        let out = written_out(g, a, &inputs);
        return autodiff::gradients(g, &[(out, dy)], &inputs);
    }
    let lse = g.push(Op::Get(1), &[y], None);
    let mut out: Vec<Option<NodeId>> = vec![None; args.len()];
    let all = [&args[..], &[y, lse, dy]].concat();
    for (slot, dx) in out.iter_mut().zip(g.attention_grad(a.clone(), &all)) {
        *slot = Some(dx);
    }
    out
}

/// Gradients of the operands of `AttentionGrad`, from those of its results: of q, k, v, masks and the
/// gradient that came in. Attention's results are no more than functions of these.
pub fn second(
    g: &mut Graph,
    a: &Attention,
    args: &[NodeId],
    dys: &[Option<NodeId>],
) -> Vec<Option<NodeId>> {
    let (inputs, dout) = (args.len() - 3, args.len() - 1);
    let mut wrt = fresh(g, &args[..inputs]);
    wrt.extend(fresh(g, &args[dout..]));
    let out = written_out(g, a, &wrt[..inputs]);
    let first = autodiff::gradients(g, &[(out, wrt[inputs])], &wrt[..3]);
    let seeds: Vec<(NodeId, NodeId)> = (first.iter().zip(dys))
        .filter_map(|(dx, ddx)| dx.zip(*ddx))
        .collect();
    let mut grads = autodiff::gradients(g, &seeds, &wrt);
    grads.splice(inputs..inputs, [None, None]);
    grads
}

/// The same values, apart from what they come from.
fn fresh(g: &mut Graph, args: &[NodeId]) -> Vec<NodeId> {
    let one = |x: &NodeId| g.push(Op::Fresh, &[*x], None);
    args.iter().map(one).collect()
}

/// Attention of q, k, v and masks as products and a softmax, whose weights are held.
pub fn written_out(g: &mut Graph, a: &Attention, args: &[NodeId]) -> NodeId {
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
    let mut scores = match a.scale {
        Some(scale) => g.scale(scores, scale),
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
        3 => g.push(Op::Softmax { log: false, dim: 3 }, &[scores], None),
        _ => g.softmax_or_zero(scores),
    };
    let weights = match a.dropout {
        Some(d) => dropped(g, weights, d),
        None => weights,
    };
    let flat = g.shape(products).clone();
    let weights = g.reshape(weights, &flat);
    let out = g.matmul(weights, v, false, false);
    let out = g.reshape(out, &vec![batch, heads, queries, value_width]);
    g.permute(out, order)
}

/// The weights (B, H, L, S) that the node drops are dropped here: the same draw.
fn dropped(g: &mut Graph, weights: NodeId, d: Dropout) -> NodeId {
    let shape = g.shape(weights).clone();
    let mut drawn = shape.clone();
    let four = Dim::from(4);
    drawn[3] = shape[3].add(&Dim::from(3)).div_floor(&four).mul(&four);
    let draw = Op::Bernoulli {
        keep: 1.0 - d.p,
        stream: d.stream,
        again: 0,
    };
    let all = g.push(draw, &[], Some(drawn));
    let (start, step) = (vec![Dim::from(0); 4], vec![1; 4]);
    let keep = g.push(Op::Slice { start, step }, &[all], Some(shape));
    let scaled = g.scale(weights, d.factor());
    let zero = g.constant(0.0);
    g.select(keep, scaled, zero)
}
