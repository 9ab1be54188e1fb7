//! The program of a picture: a function's graph in which every value and every gradient is an output.
//!
//! Each wire has a gradient, too: the one that flows into a value from one of its users. So every operand is read
//! through a reshape to its own shape, whose gradient is the wire's; simplification removes the reshapes again.

use crate::dim::{Shape, show_shape};
use crate::display::op_name;
use crate::gradient::autodiff;
use crate::ir::{DType, Graph, Node, NodeId, Op};
use crate::passes::{inline, simplify};

/// Dimensions that a result of a run can have.
const MAX_RANK: usize = 6;

/// The meaning of the outputs of a picture's program.
#[derive(Clone, Debug)]
pub struct Drawn {
    /// The graph as drawn.
    pub graph: Graph,
    /// For each of its nodes, the output that is its value.
    pub values: Vec<Option<usize>>,
    /// For each of its nodes, the output that is its gradient.
    pub gradients: Vec<Option<usize>>,
    /// The wires.
    pub wires: Vec<Wire>,
}

/// A value that a node reads.
#[derive(Clone, Copy, Debug)]
pub struct Wire {
    /// The value's node.
    pub from: NodeId,
    /// The reading node.
    pub to: NodeId,
    /// The output that is the gradient along this wire.
    pub gradient: Option<usize>,
}

/// Makes every value and gradient in a scalar function's graph an output.
pub fn draw(g: &mut Graph) -> Drawn {
    let graph = simplify::prune(&inline::inline(g));
    let constant: Vec<bool> = constants(&graph).iter().map(Option::is_some).collect();
    let mut out = Graph::default();
    let mut map: Vec<NodeId> = Vec::new();
    let mut wires = Vec::new();
    let mut through = Vec::new();
    for to in graph.ids() {
        let mut node = graph[to].clone();
        let mut seen: Vec<(NodeId, NodeId)> = Vec::new();
        for arg in &mut node.args {
            let from = *arg;
            *arg = match seen.iter().find(|(a, _)| *a == from) {
                Some((_, copy)) => *copy,
                None => wire(&graph, &mut out, &constant, from, map[from.index()]),
            };
            if seen.iter().all(|(a, _)| *a != from) {
                seen.push((from, *arg));
                if !constant[from.index()] {
                    wires.push((from, to));
                    through.push(*arg);
                }
            }
        }
        map.push(out.add(node));
    }
    let float = |id: &NodeId| graph[*id].dtype == DType::Float && !constant[id.index()];
    let nodes: Vec<NodeId> = graph.ids().filter(float).collect();
    let mut wrt: Vec<NodeId> = nodes.iter().map(|id| map[id.index()]).collect();
    wrt.extend(through.iter().filter(|id| out[**id].dtype == DType::Float));
    let one = out.constant(1.0);
    let seeds: Vec<(NodeId, NodeId)> = graph
        .outputs
        .iter()
        .map(|o| (map[o.index()], one))
        .collect();
    let flows = autodiff::gradients(&mut out, &seeds, &wrt);
    let known = |id: NodeId| wrt.iter().position(|w| *w == id).and_then(|i| flows[i]);
    let mut output = |id: NodeId| {
        (out[id].shape.len() <= MAX_RANK).then(|| {
            out.outputs.push(id);
            out.outputs.len() - 1
        })
    };
    let shown = |id: &NodeId| !constant[id.index()];
    let values = graph
        .ids()
        .map(|id| shown(&id).then(|| output(map[id.index()])).flatten());
    let values = values.collect();
    let gradients = graph
        .ids()
        .map(|id| known(map[id.index()]).and_then(&mut output));
    let gradients = gradients.collect();
    let wires = wires
        .into_iter()
        .zip(through)
        .map(|((from, to), copy)| Wire {
            from,
            to,
            gradient: known(copy).and_then(&mut output),
        });
    let wires = wires.collect();
    *g = out;
    Drawn {
        graph,
        values,
        gradients,
        wires,
    }
}

/// The value as read by one user.
fn wire(g: &Graph, out: &mut Graph, constant: &[bool], from: NodeId, value: NodeId) -> NodeId {
    let node = &g[from];
    if constant[from.index()] || !node.more_results.is_empty() || node.dtype != DType::Float {
        return value;
    }
    let shape: Shape = node.shape.clone();
    out.add_typed(Op::Reshape, &[value], shape, node.dtype)
}

/// The values that depend on no input, as text beside their users.
pub fn constants(g: &Graph) -> Vec<Option<String>> {
    let mut out: Vec<Option<String>> = Vec::new();
    for node in &g.nodes {
        let text = constant(node, &out);
        out.push(text);
    }
    out
}

fn constant(node: &Node, known: &[Option<String>]) -> Option<String> {
    let args: Option<Vec<String>> = node.args.iter().map(|a| known[a.index()].clone()).collect();
    let args = args?;
    match &node.op {
        Op::Const(v) => Some(v.to_string()),
        Op::Whole(v) => Some(v.to_string()),
        Op::Size(d) => Some(d.to_string()),
        Op::Iota { .. } => Some(format!("0..{}", show_shape(&node.shape))),
        Op::Expand | Op::Reshape => args.into_iter().next(),
        Op::Scalar(_) => Some(format!("{}({})", op_name(&node.op), args.join(", "))),
        _ => None,
    }
}
