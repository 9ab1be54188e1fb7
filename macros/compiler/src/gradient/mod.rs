//! The gradient rule of every op: graph nodes, so that backward is ordinary graph and can itself
//! be differentiated.
//!
//! A rule gets the node `y` and the gradient `dy` of its result, and returns one gradient for each
//! operand, `None` where nothing flows. Backward keeps what a rule names: `x` (an operand), `y` (the
//! result) or neither.

mod attention;
mod scalar;
mod scan;

use crate::dim::{Dim, Shape, numel};
use crate::ir::{Custom, DType, Graph, NodeId, Op, Reads, Reduce, Region, Role, Windows};
use crate::passes::autodiff;
use crate::scalar::Scalar;

/// Gradients of the operands of `y`, from those of its results. `wanted`: the operands whose
/// gradients are asked for; others may be left out.
pub fn rule(
    g: &mut Graph,
    y: NodeId,
    dys: &[Option<NodeId>],
    wanted: &[bool],
) -> Vec<Option<NodeId>> {
    let node = g[y].clone();
    if let Op::Scan(scan) = &node.op {
        return scan::rule(g, y, scan, dys, wanted);
    }
    if let Op::Call(region) = &node.op {
        return call(g, region, &node.args, dys);
    }
    if let Op::Custom(op) = &node.op {
        return custom(g, y, op, dys);
    }
    if let Op::AttentionGrad(a) = &node.op {
        return attention::second(g, a, &node.args, dys);
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
        Op::Fresh => vec![Some(dy)],
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
                Op::Pad {
                    low: start,
                    step,
                    value: 0.0,
                },
                &[dy],
                Some(shape),
            ))]
        }
        Op::Pad { low, step, .. } => {
            let shape = g.shape(x(0)).clone();
            vec![Some(g.push(
                Op::Slice { start: low, step },
                &[dy],
                Some(shape),
            ))]
        }
        Op::Concat { dim } => concat(g, dim, &node.args, dy),
        Op::Flip(dims) => vec![Some(g.push(Op::Flip(dims), &[dy], None))],
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
        Op::Reduce { dims, .. } => vec![Some(extremum(g, x(0), y, dy, &dims))],
        Op::Softmax { log, dim } => vec![Some(softmax(g, log, dim, y, dy))],
        // d logsumexp / dx = softmax(x) = exp((x - max) - y). Keeps x, y and max.
        Op::LogSumExp { dim } => {
            let shape = g.shape(x(0)).clone();
            let max = g.push(Op::Get(1), &[y], None);
            let max = g.unreduce(max, &[dim], &shape);
            let y = g.unreduce(y, &[dim], &shape);
            let d = g.sub2(x(0), max);
            let d = g.sub2(d, y);
            let p = g.unary(Scalar::Exp, d);
            let dy = g.unreduce(dy, &[dim], &shape);
            vec![Some(g.mul2(dy, p))]
        }
        Op::CumSum { dim, reverse } => vec![Some(g.push(
            Op::CumSum {
                dim,
                reverse: !reverse,
            },
            &[dy],
            None,
        ))],
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
        Op::Take { dim, what } => {
            let size = g.shape(x(0))[dim].clone();
            vec![
                Some(g.push(Op::TakeGrad { dim, size, what }, &[dy, x(1)], None)),
                None,
            ]
        }
        Op::TakeGrad { dim, what, .. } => vec![
            Some(g.push(Op::Take { dim, what }, &[dy, x(1)], None)),
            None,
        ],
        // What was overwritten has no gradient; what was written has that of its place.
        Op::Put { dim, what } => {
            let shape = g.shape(x(2)).clone();
            let zeros = g.full(0.0, DType::Float, &shape);
            let op = Op::Put {
                dim,
                what: what.clone(),
            };
            let dx = g.push(op, &[dy, x(1), zeros], None);
            let dsource = g.push(Op::Take { dim, what }, &[dy, x(1)], None);
            vec![Some(dx), None, Some(dsource)]
        }
        Op::Gather { dim, what } => vec![Some(gather(g, dim, what, x(0), x(1), dy)), None],
        Op::GatherGrad { dim, what, .. } => vec![
            Some(g.push(Op::Gather { dim, what }, &[dy, x(1)], None)),
            None,
        ],
        Op::Conv {
            role,
            windows,
            groups,
        } => convolution(g, (role, &windows, &groups), [x(0), x(1)], dy),
        Op::Attention(a) => attention::rule(g, y, &a, wanted, dy),
        Op::Get(_)
        | Op::Map(_)
        | Op::Call(_)
        | Op::Scan(_)
        | Op::Custom(_)
        | Op::AttentionGrad(_) => {
            vec![None; node.args.len()]
        }
        Op::Input { .. }
        | Op::Param { .. }
        | Op::Const(_)
        | Op::Size(_)
        | Op::Iota { .. }
        | Op::Integers { .. }
        | Op::ArgReduce { .. }
        | Op::WindowArgMax { .. }
        | Op::Bernoulli { .. }
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

fn concat(g: &mut Graph, dim: usize, args: &[NodeId], dy: NodeId) -> Vec<Option<NodeId>> {
    let mut at = Dim::from(0);
    let mut out = Vec::new();
    for &arg in args {
        let shape = g.shape(arg).clone();
        let mut start = vec![Dim::from(0); shape.len()];
        start[dim] = at.clone();
        at = at.add(&shape[dim]);
        let step = vec![1; shape.len()];
        out.push(Some(g.push(Op::Slice { start, step }, &[dy], Some(shape))));
    }
    out
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
    // A product and no choice: where the largest is NaN nothing equals it, and the gradient is 0 / 0.
    g.mul2(ones, share)
}

/// Softmax: `y (dy - sum(dy y))`; its logarithm: `dy - exp(y) sum(dy)`. Keeps y.
fn softmax(g: &mut Graph, log: bool, dim: usize, y: NodeId, dy: NodeId) -> NodeId {
    let shape = g.shape(y).clone();
    let weighted = if log { dy } else { g.mul2(dy, y) };
    let sum = g.sum(weighted, &[dim]);
    let sum = g.unreduce(sum, &[dim], &shape);
    if log {
        let p = g.unary(Scalar::Exp, y);
        let part = g.mul2(p, sum);
        g.sub2(dy, part)
    } else {
        let centred = g.sub2(dy, sum);
        g.mul2(y, centred)
    }
}

/// Where one element is picked along `dim`, its gradient is a comparison, which fuses with what
/// follows; the general case adds into zeros.
fn gather(g: &mut Graph, dim: usize, what: Reads, x: NodeId, index: NodeId, dy: NodeId) -> NodeId {
    let shape = g.shape(x).clone();
    if !g.shape(index)[dim].is_one() {
        return g.push(
            Op::GatherGrad {
                dim,
                size: shape[dim].clone(),
                what,
            },
            &[dy, index],
            None,
        );
    }
    let index = g.expand(index, &shape);
    let position = g.iota(&shape, dim);
    let hit = g.scalar(Scalar::Eq, &[position, index]);
    let dy = g.expand(dy, &shape);
    let zero = g.constant(0.0);
    g.select(hit, dy, zero)
}

/// A convolution is linear in both operands, and its derivatives are the other two of its family.
fn convolution(
    g: &mut Graph,
    (role, windows, groups): (Role, &Windows, &Dim),
    args: [NodeId; 2],
    dy: NodeId,
) -> Vec<Option<NodeId>> {
    let shapes = args.map(|a| g.shape(a).clone());
    let [a, b] = args;
    let mut conv = |role, args: [NodeId; 2], shape: &Shape| {
        let (windows, groups) = (Box::new(windows.clone()), groups.clone());
        let op = Op::Conv {
            role,
            windows,
            groups,
        };
        Some(g.push(op, &args, Some(shape.clone())))
    };
    let [first, second] = &shapes;
    match role {
        // Operands (x, w), dy in place of y.
        Role::Y => vec![
            conv(Role::X, [dy, b], first),
            conv(Role::W, [a, dy], second),
        ],
        // Operands (y, w), dy in place of x.
        Role::X => vec![
            conv(Role::Y, [dy, b], first),
            conv(Role::W, [dy, a], second),
        ],
        // Operands (x, y), dy in place of w.
        Role::W => vec![
            conv(Role::X, [b, dy], first),
            conv(Role::Y, [a, dy], second),
        ],
    }
}

/// A call: its gradient is a call of the body's gradient, which runs the body again.
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
                *x = g.push(Op::Fresh, &[*x], None);
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

/// The user's own backward. Keeps operands and results. It has no gradient itself.
fn custom(g: &mut Graph, y: NodeId, op: &Custom, dys: &[Option<NodeId>]) -> Vec<Option<NodeId>> {
    let node = g[y].clone();
    let args = node.args;
    if op.backward {
        return vec![None; args.len()];
    }
    let mut operands = args.clone();
    let results: Vec<NodeId> = std::iter::once(y)
        .chain((1..=node.also.len()).map(|k| g.push(Op::Get(k), &[y], None)))
        .collect();
    operands.extend(&results);
    for (k, result) in results.iter().enumerate() {
        if g[*result].dtype == DType::Float {
            let shape = g.shape(*result).clone();
            let dy = dys.get(k).copied().flatten();
            operands.push(dy.unwrap_or_else(|| g.full(0.0, DType::Float, &shape)));
        }
    }
    let float = |a: &&NodeId| g[**a].dtype == DType::Float;
    let types: Vec<(Shape, DType)> = (args.iter().filter(float))
        .map(|a| (g.shape(*a).clone(), DType::Float))
        .collect();
    if types.is_empty() {
        return vec![None; args.len()];
    }
    let backward = Custom {
        backward: true,
        ..op.clone()
    };
    let mut dxs = g
        .add_many(Op::Custom(Box::new(backward)), &operands, &types)
        .into_iter();
    let float = |a: &NodeId| g[*a].dtype == DType::Float;
    args.iter()
        .map(|a| if float(a) { dxs.next() } else { None })
        .collect()
}

/// Random values are not kept either.
fn draw_again(body: &mut Graph) {
    for node in &mut body.nodes {
        match &mut node.op {
            Op::Bernoulli { again, .. } => *again += 1,
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
