//! Replaces calls of bodies by the bodies' nodes. After: no `Call` and no `Get` of one.

use crate::ir::{Graph, Node, NodeId, Op};

/// Inlines every call.
pub fn inline(graph: &Graph) -> Graph {
    let region = |n: &Node| matches!(n.op, Op::Call(_) | Op::Scan(_));
    if !graph.nodes.iter().any(region) {
        return graph.clone();
    }
    let mut out = Graph::default();
    let mut map: Vec<Vec<NodeId>> = Vec::new();
    for id in graph.ids() {
        let node = &graph[id];
        let args: Vec<NodeId> = node.args.iter().map(|a| map[a.index()][0]).collect();
        let results = match &node.op {
            Op::Call(region) => splice(&mut out, &inline(&region.body), &args),
            Op::Get(k) if matches!(graph[node.args[0]].op, Op::Call(_)) => vec![
                map[node.args[0].index()]
                    .get(*k)
                    .copied()
                    .unwrap_or(args[0]),
            ],
            _ => {
                let mut node = node.clone();
                node.args = args;
                if let Op::Scan(scan) = &mut node.op {
                    scan.body = inline(&scan.body);
                }
                vec![out.add(node)]
            }
        };
        map.push(results);
    }
    out.outputs = graph.outputs.iter().map(|o| map[o.index()][0]).collect();
    out
}

/// Adds a body's nodes, its inputs replaced by operands; returns its outputs.
fn splice(out: &mut Graph, body: &Graph, args: &[NodeId]) -> Vec<NodeId> {
    let mut map: Vec<NodeId> = Vec::new();
    for id in body.ids() {
        let mut node = body[id].clone();
        let new = match node.op {
            Op::Input { index } => args[index],
            _ => {
                node.args = node.args.iter().map(|a| map[a.index()]).collect();
                out.add(node)
            }
        };
        map.push(new);
    }
    body.outputs.iter().map(|o| map[o.index()]).collect()
}
