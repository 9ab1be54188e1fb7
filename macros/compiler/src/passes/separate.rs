//! Copies of results that would share a place.
//!
//! Takes a fused graph, and where its outputs go. After: each result that needs a separate place is computed by a separate
//! node, as `memory.rs` expects.

use super::memory::root;
use super::placement::Placement;
use crate::ir::{Access, Graph, Instr, Map, NodeId, Op};

/// Gives every result of a scan's body a separate place: copies a stacked value that is an input or already stacked,
/// and a carried value's successor that is another carried value.
pub fn bodies(mut g: Graph) -> Graph {
    for node in &mut g.nodes {
        if let Op::Scan(scan) = &mut node.op {
            let mut body = bodies(std::mem::take(&mut scan.body));
            let inputs = body.inputs();
            let carried = &inputs[scan.shared..scan.shared + scan.carried];
            let mut taken: Vec<(NodeId, usize)> = Vec::new();
            for i in 0..body.outputs.len() {
                let o = body.outputs[i];
                let r = root(&body, o);
                let input = matches!(body[r.0].op, Op::Input { .. });
                let copied = match i < scan.carried {
                    true => carried.contains(&r.0) && carried[i] != r.0,
                    false => input || taken.contains(&r),
                };
                if copied {
                    body.outputs[i] = copy(&mut body, o);
                } else if i >= scan.carried {
                    taken.push(r);
                }
            }
            scan.body = body;
        }
    }
    g
}

/// Gives every gradient output a separate node that writes it: copies a parameter, an input, another output, or a value
/// that is already a gradient.
pub fn gradients(mut g: Graph, placement: &Placement) -> Graph {
    let grads = &placement.grads;
    let mut taken: Vec<(NodeId, usize)> = Vec::new();
    for (i, o) in g.outputs.iter().enumerate() {
        if !grads.iter().any(|(index, _)| *index == i) {
            taken.push(root(&g, *o));
        }
    }
    for (i, _) in grads {
        let o = g.outputs[*i];
        let (n, k) = root(&g, o);
        if taken.contains(&(n, k)) || matches!(g[n].op, Op::Input { .. } | Op::Param { .. }) {
            let copy = copy(&mut g, o);
            g.outputs[*i] = copy;
            taken.push((copy, 0));
        } else {
            taken.push((n, k));
        }
    }
    g
}

/// Gives every other output a separate place: copies an output that is a parameter or kept from call to call, or that
/// shares the place of another output.
pub fn outputs(mut g: Graph, placement: &Placement) -> Graph {
    let mut taken: Vec<(NodeId, usize)> = Vec::new();
    for i in 0..g.outputs.len() {
        if placement.gradient(i).is_some() {
            continue;
        }
        let o = g.outputs[i];
        let r = root(&g, o);
        let elsewhere = match g[r.0].op {
            Op::Param { .. } => true,
            Op::Input { index } => placement.state(index).is_some(),
            _ => false,
        };
        if elsewhere || taken.contains(&r) {
            let copy = copy(&mut g, o);
            g.outputs[i] = copy;
        } else {
            taken.push(r);
        }
    }
    g
}

fn copy(g: &mut Graph, x: NodeId) -> NodeId {
    let (shape, dtype) = (g.shape(x).clone(), g[x].dtype);
    let map = Map {
        access: vec![Access::identity(shape.len())],
        body: vec![Instr::Load(0)],
        types: vec![dtype],
        results: vec![0],
    };
    g.map(map, &[x], &shape)[0]
}
