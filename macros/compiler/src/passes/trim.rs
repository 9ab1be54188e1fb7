//! Removes unread parts of scans.
//!
//! After: every stacked result of a scan is read; every carried value is read, in the loop or after it; every shared
//! value and slice is read by the body, and is only one operand.

use crate::ir::{Graph, Node, NodeId, Op, Scan};
use crate::passes::simplify::{one_of_each_input, prune, prune_inputs};
use std::collections::HashMap;

/// Trims every scan, and the nodes that only trimmed parts needed.
pub fn trim(graph: &Graph) -> Graph {
    if !graph.nodes.iter().any(|n| matches!(n.op, Op::Scan(_))) {
        return graph.clone();
    }
    // Users before operands: operands that a trimmed scan no longer reads may be trimmed from another.
    let mut live: Vec<Vec<bool>> = (graph.nodes.iter())
        .map(|n| vec![false; 1 + n.more_results.len()])
        .collect();
    let mut trimmed: HashMap<NodeId, Trimmed> = HashMap::new();
    graph.outputs.iter().for_each(|o| live[o.index()][0] = true);
    for id in graph.ids().rev() {
        let node = &graph[id];
        if live[id.index()].iter().all(|l| !l) {
            continue;
        }
        match &node.op {
            Op::Get(k) => live[node.args[0].index()][*k] = true,
            Op::Scan(scan) => {
                let t = Trimmed::of(scan, &node.args, &live[id.index()]);
                t.args.iter().for_each(|a| live[a.index()][0] = true);
                trimmed.insert(id, t);
            }
            _ => node.args.iter().for_each(|a| live[a.index()][0] = true),
        }
    }
    let mut out = Graph::default();
    let mut map: Vec<Vec<NodeId>> = Vec::new();
    for id in graph.ids() {
        let node = &graph[id];
        let results = match &node.op {
            Op::Get(k) if trimmed.contains_key(&node.args[0]) => {
                vec![map[node.args[0].index()][*k]]
            }
            Op::Scan(_) if !trimmed.contains_key(&id) => {
                vec![NodeId(0); 1 + node.more_results.len()]
            }
            _ if live[id.index()].iter().all(|l| !l) && !matches!(node.op, Op::Input { .. }) => {
                vec![NodeId(0); 1 + node.more_results.len()]
            }
            Op::Scan(_) => add(&mut out, node, &trimmed[&id], &map),
            _ => {
                let mut node = node.clone();
                node.args = node.args.iter().map(|a| map[a.index()][0]).collect();
                let also = node.more_results.len();
                vec![out.add(node); 1 + also]
            }
        };
        map.push(results);
    }
    out.outputs = graph.outputs.iter().map(|o| map[o.index()][0]).collect();
    prune(&out)
}

/// A scan with fewer operands and results.
struct Trimmed {
    scan: Scan,
    /// Operands, in the old graph.
    args: Vec<NodeId>,
    /// The old results that stay.
    results: Vec<usize>,
}

impl Trimmed {
    fn of(scan: &Scan, args: &[NodeId], live: &[bool]) -> Trimmed {
        let mut keep: Vec<bool> = live.to_vec();
        let inputs = scan.body.inputs();
        let read = loop {
            let read = needed(&scan.body, &keep);
            let more: Vec<usize> = (0..scan.carried)
                .filter(|k| !keep[*k] && read[inputs[scan.shared + k].index()])
                .collect();
            if more.is_empty() {
                break read;
            }
            more.iter().for_each(|k| keep[*k] = true);
        };
        let results: Vec<usize> = (0..keep.len()).filter(|k| keep[*k]).collect();
        let end = scan.shared + scan.carried;
        // The new number of each remaining input, and its operand.
        let mut number = vec![usize::MAX; args.len()];
        let mut operands: Vec<NodeId> = Vec::new();
        let mut counts = [0; 3];
        for (kind, range) in [0..scan.shared, scan.shared..end, end..args.len()]
            .into_iter()
            .enumerate()
        {
            let first = operands.len();
            for k in range {
                let stays = match kind {
                    1 => keep[k - scan.shared],
                    _ => read[inputs[k].index()],
                };
                if !stays {
                    continue;
                }
                let same = operands[first..].iter().position(|a| *a == args[k]);
                number[k] = match same {
                    Some(i) if kind != 1 => first + i,
                    _ => {
                        operands.push(args[k]);
                        operands.len() - 1
                    }
                };
            }
            counts[kind] = operands.len() - first;
        }
        let mut body = scan.body.clone();
        body.outputs = results.iter().map(|k| body.outputs[*k]).collect();
        for id in &inputs {
            if let Op::Input { index } = &mut body.nodes[id.index()].op {
                *index = number[*index];
            }
        }
        let body = one_of_each_input(&prune_inputs(&body, operands.len()));
        Trimmed {
            scan: Scan {
                name: scan.name.clone(),
                body,
                count: scan.count.clone(),
                reverse: scan.reverse,
                shared: counts[0],
                carried: counts[1],
            },
            args: operands,
            results,
        }
    }
}

/// The nodes of a body that the kept outputs need.
fn needed(body: &Graph, keep: &[bool]) -> Vec<bool> {
    let mut out = vec![false; body.nodes.len()];
    for (o, _) in body.outputs.iter().zip(keep).filter(|(_, k)| **k) {
        out[o.index()] = true;
    }
    for id in body.ids().rev() {
        if out[id.index()] {
            body[id].args.iter().for_each(|a| out[a.index()] = true);
        }
    }
    out
}

/// Adds a trimmed scan; returns a node for each old result (any node, if the result is removed).
fn add(out: &mut Graph, node: &Node, t: &Trimmed, map: &[Vec<NodeId>]) -> Vec<NodeId> {
    let args: Vec<NodeId> = t.args.iter().map(|a| map[a.index()][0]).collect();
    out.here = crate::ir::Here {
        span: node.span,
        name: node.name.clone(),
    };
    let types = t.scan.results();
    let new = out.add_many(Op::Scan(Box::new(t.scan.clone())), &args, &types);
    let mut results = vec![NodeId(0); 1 + node.more_results.len()];
    for (k, id) in t.results.iter().zip(new) {
        results[*k] = id;
    }
    results
}
