//! Reverse-mode differentiation, graph to graph.
//!
//! Takes a graph, seeds (a value and the gradient flowing into it) and the values whose gradients are wanted. Adds the
//! backward nodes after the forward ones. The gradients of a value are added in the order in which its users were
//! visited, last user first.

use super::rule;
use crate::ir::{DType, Graph, Node, NodeId, Op};
use crate::scalar::Scalar;

/// Adds the nodes that compute the gradients of `wrt`; `None` where none flows.
pub fn gradients(g: &mut Graph, seeds: &[(NodeId, NodeId)], wrt: &[NodeId]) -> Vec<Option<NodeId>> {
    let active = active(g, wrt);
    // grads[node][result]: a node of several results collects one gradient for each.
    let mut grads: Vec<Vec<Option<NodeId>>> = g
        .nodes
        .iter()
        .map(|n| vec![None; 1 + n.more_results.len()])
        .collect();
    let forward = grads.len();
    for &(value, dy) in seeds {
        accumulate(g, &mut grads[value.index()][0], dy);
    }
    let outer = g.here.clone();
    for index in (0..forward).rev() {
        if !active[index] || grads[index].iter().all(Option::is_none) {
            continue;
        }
        let y = NodeId(u32::try_from(index).unwrap_or(u32::MAX));
        let Node {
            op,
            args,
            span,
            name,
            ..
        } = g[y].clone();
        g.here.span = span;
        g.here.name = if name.is_empty() {
            name
        } else {
            format!("d {name}")
        };
        if let Op::Get(k) = op {
            if let Some(dy) = grads[index][0] {
                let mut slot = grads[args[0].index()][k];
                accumulate(g, &mut slot, dy);
                grads[args[0].index()][k] = slot;
            }
            continue;
        }
        let dys = grads[index].clone();
        let wanted: Vec<bool> = args.iter().map(|a| active[a.index()]).collect();
        for (arg, dx) in args.iter().zip(rule(g, y, &dys, &wanted)) {
            let Some(dx) = dx else { continue };
            if active[arg.index()] && g[*arg].dtype == DType::Float {
                let mut slot = grads[arg.index()][0];
                accumulate(g, &mut slot, dx);
                grads[arg.index()][0] = slot;
            }
        }
    }
    g.here = outer;
    wrt.iter().map(|w| grads[w.index()][0]).collect()
}

fn accumulate(g: &mut Graph, slot: &mut Option<NodeId>, dx: NodeId) {
    *slot = Some(match *slot {
        None => dx,
        Some(sum) => g.scalar(Scalar::Add, &[sum, dx]),
    });
}

/// The values that depend on `wrt`.
pub fn active(g: &Graph, wrt: &[NodeId]) -> Vec<bool> {
    let mut active = vec![false; g.nodes.len()];
    for w in wrt {
        active[w.index()] = true;
    }
    for id in g.ids() {
        let node = &g[id];
        if node.args.iter().any(|a| active[a.index()]) && !matches!(node.op, Op::Detach) {
            active[id.index()] = true;
        }
    }
    active
}
