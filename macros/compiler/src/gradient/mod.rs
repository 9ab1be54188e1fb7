//! The gradient rule of every op that is not a kind, as graph nodes: backward is an ordinary graph and can itself be
//! differentiated. The rules of kinds are in `kinds`.
//!
//! A rule gets the node `y` and the gradient `dy` of its result, and returns one gradient for each operand, `None`
//! where nothing flows. Backward keeps the values that a rule names: `x` (an operand), `y` (the result) or neither.

pub mod autodiff;
mod scalar;
mod scan;
pub mod stops;

use crate::dim::{Dim, Shape, numel};
use crate::ir::kind::Flow;
use crate::ir::{DType, Graph, NodeId, Op, Reduce, Region};
use crate::kinds::pad::Pad;
use crate::scalar::Scalar;
use netform_core::Number;

/// Gradients of the operands of `y`, from the gradients of its results. `wanted`: the operands whose gradients are
/// needed; others may be left out.
pub fn rule(
    g: &mut Graph,
    y: NodeId,
    dys: &[Option<NodeId>],
    wanted: &[bool],
) -> Vec<Option<NodeId>> {
    let node = g[y].clone();
    let args = &node.args;
    match &node.op {
        Op::Scan(scan) => return scan::rule(g, y, scan, dys, wanted),
        Op::Call(region) => return call(g, region, args, dys),
        Op::Kernel(kind) => {
            let flow = Flow {
                y,
                args,
                dys,
                wanted,
            };
            return kind.gradients(g, &flow);
        }
        _ => {}
    }
    let Some(dy) = dys.first().copied().flatten() else {
        return vec![None; node.args.len()];
    };
    let x = |i: usize| node.args[i];
    match node.op {
        Op::Scalar(f) => scalar::rule(g, f, y, &node.args, dy),
        Op::Expand => vec![Some(sum_to(g, dy, x(0)))],
        Op::Reshape => {
            let shape = g.shape(x(0)).clone();
            vec![Some(g.reshape(dy, &shape))]
        }
        Op::Barrier => vec![Some(dy)],
        Op::Permute(dims) => {
            let mut inverse = vec![0; dims.len()];
            for (i, d) in dims.iter().enumerate() {
                inverse[*d] = i;
            }
            vec![Some(g.permute(dy, &inverse))]
        }
        Op::Slice { start, step } => {
            let shape = g.shape(x(0)).clone();
            vec![Some(g.push(
                Pad {
                    low: start,
                    step,
                    value: Number::Float(0.0),
                },
                &[dy],
                Some(shape),
            ))]
        }
        Op::Reduce {
            kind: Reduce::Sum,
            dims,
            ..
        } => {
            let shape = g.shape(x(0)).clone();
            vec![Some(g.unreduce(dy, &dims, &shape))]
        }
        Op::Reduce {
            kind: Reduce::Mean,
            dims,
            ..
        } => {
            let shape = g.shape(x(0)).clone();
            let n: Vec<Dim> = dims.iter().map(|d| shape[*d].clone()).collect();
            let n = count(g, &n);
            let share = g.div2(dy, n);
            vec![Some(g.unreduce(share, &dims, &shape))]
        }
        Op::Reduce {
            kind: Reduce::Prod,
            dims,
            ..
        } => vec![Some(product(g, x(0), y, dy, &dims))],
        Op::Reduce { dims, .. } => vec![Some(extremum(g, x(0), y, dy, &dims))],
        // C = A B: dA = dC B', dB = A' dC, with the stored transpositions. Keeps A and B.
        Op::MatMul { ta, tb, .. } => {
            let (a, b) = (x(0), x(1));
            let da = if ta {
                g.matmul(b, dy, tb, true)
            } else {
                g.matmul(dy, b, false, !tb)
            };
            let db = if tb {
                g.matmul(dy, a, true, ta)
            } else {
                g.matmul(a, dy, !ta, false)
            };
            vec![Some(da), Some(db)]
        }
        Op::Get(_)
        | Op::Map(_)
        | Op::Call(_)
        | Op::Scan(_)
        | Op::Kernel(_)
        | Op::Input { .. }
        | Op::Param { .. }
        | Op::Const(_)
        | Op::Whole(_)
        | Op::Size(_)
        | Op::Iota { .. }
        | Op::Detach => vec![None; node.args.len()],
    }
}

/// Sums `dy` to the shape of `x`, which was broadcast.
fn sum_to(g: &mut Graph, dy: NodeId, x: NodeId) -> NodeId {
    let (from, to) = (g.shape(dy).clone(), g.shape(x).clone());
    let lead = from.len() - to.len();
    let dims: Vec<usize> = (0..from.len())
        .filter(|&d| d < lead || (to[d - lead].is_one() && !from[d].is_one()))
        .collect();
    let sum = g.sum(dy, &dims);
    g.reshape(sum, &to)
}

/// `amax`/`amin`: ties share the gradient evenly. Keeps x and y.
fn extremum(g: &mut Graph, x: NodeId, y: NodeId, dy: NodeId, dims: &[usize]) -> NodeId {
    let shape = g.shape(x).clone();
    let whole = g.unreduce(y, dims, &shape);
    let hit = g.scalar(Scalar::Eq, &[x, whole]);
    let ones = g.cast(hit, DType::Float);
    let count = g.sum(ones, dims);
    let share = g.div2(dy, count);
    let share = g.unreduce(share, dims, &shape);
    // A product instead of a select: if the extremum is NaN no element equals it, and the gradient is 0 / 0.
    g.mul2(ones, share)
}

/// `prod`: the product of the others, `y / x`; where x is the only 0, the product of all the others; with further
/// zeros, 0. Keeps x and y.
fn product(g: &mut Graph, x: NodeId, y: NodeId, dy: NodeId, dims: &[usize]) -> NodeId {
    let shape = g.shape(x).clone();
    let (zero, one) = (g.constant(0.0), g.constant(1.0));
    let is_zero = g.binary(Scalar::Eq, x, zero);
    let factors = g.select(is_zero, one, x);
    let rest = g.reduce(Reduce::Prod, factors, dims);
    let count = g.cast(is_zero, DType::Float);
    let count = g.sum(count, dims);
    let alone = g.binary(Scalar::Eq, count, one);
    let rest = g.select(alone, rest, zero);
    let (rest, y, dy) = (
        g.unreduce(rest, dims, &shape),
        g.unreduce(y, dims, &shape),
        g.unreduce(dy, dims, &shape),
    );
    let others = g.div2(y, factors);
    let others = g.select(is_zero, rest, others);
    g.mul2(dy, others)
}

/// The gradient of a call is a call of the body's gradient, which runs the body again.
fn call(
    g: &mut Graph,
    region: &Region,
    args: &[NodeId],
    dys: &[Option<NodeId>],
) -> Vec<Option<NodeId>> {
    let mut body = region.body.clone();
    let outputs = std::mem::take(&mut body.outputs);
    let mut seeds = Vec::new();
    let mut operands = args.to_vec();
    if region.recompute {
        draw_again(&mut body);
        for x in &mut operands {
            if g[*x].dtype == DType::Float {
                *x = g.push(Op::Barrier, &[*x], None);
            }
        }
    }
    for (k, &output) in outputs.iter().enumerate() {
        let Some(dy) = dys.get(k).copied().flatten() else {
            continue;
        };
        let (shape, dtype) = (body.shape(output).clone(), body[output].dtype);
        let input = body.add_typed(
            Op::Input {
                index: operands.len(),
            },
            &[],
            shape,
            dtype,
        );
        seeds.push((output, input));
        operands.push(dy);
    }
    let inputs: Vec<(usize, NodeId)> = body
        .ids()
        .filter_map(|id| match body[id].op {
            Op::Input { index } if index < args.len() && body[id].dtype == DType::Float => {
                Some((index, id))
            }
            _ => None,
        })
        .collect();
    let wrt: Vec<NodeId> = inputs.iter().map(|(_, id)| *id).collect();
    let grads = autodiff::gradients(&mut body, &seeds, &wrt);
    let mut flowing = Vec::new();
    let mut types: Vec<(Shape, DType)> = Vec::new();
    for ((index, _), grad) in inputs.iter().zip(grads) {
        if let Some(grad) = grad {
            flowing.push(*index);
            types.push((body.shape(grad).clone(), DType::Float));
            body.outputs.push(grad);
        }
    }
    let mut out = vec![None; args.len()];
    if flowing.is_empty() {
        return out;
    }
    let name = format!("{} backward", region.name);
    let region = Region {
        name,
        body,
        recompute: false,
    };
    let results = g.add_many(Op::Call(Box::new(region)), &operands, &types);
    for (index, result) in flowing.into_iter().zip(results) {
        // An operand given twice gets both gradients, each at its own place.
        out[index] = Some(result);
    }
    out
}

/// Random values are not kept: they are drawn again.
fn draw_again(body: &mut Graph) {
    for node in &mut body.nodes {
        match &mut node.op {
            Op::Kernel(kind) => {
                if let Some(again) = kind.again() {
                    *kind = again;
                }
            }
            Op::Call(region) => draw_again(&mut region.body),
            Op::Scan(scan) => draw_again(&mut scan.body),
            _ => {}
        }
    }
}

/// The number of elements as a float node: the divisor of a mean.
pub fn count(g: &mut Graph, dims: &[Dim]) -> NodeId {
    let n = numel(dims);
    g.size(&n)
}
