//! Schedule: the order in which nodes run, for the least memory.
//!
//! Takes a fused graph whose results have separate nodes, and the outputs that are gradients of parameters. After: the
//! same nodes, operands before users, in an order whose plan takes fewer bytes; the original order if none is better.
//!
//! A list scheduler: of all nodes whose operands are computed, the next is the one that leaves the fewest bytes live,
//! and of equals the first in the original order. A node without computed operands (a mask, an index) runs right before
//! its first reader, and its bytes are added to the reader's. The plan of memory itself decides, with every symbol at
//! 64, so the pass never makes it larger.

use super::memory::{self, Sizes, root};
use super::placement::Placement;
use crate::ir::{Graph, Node, NodeId, Op};
use std::collections::BTreeSet;

/// Orders a graph and the bodies of its scans.
pub fn schedule(g: Graph, placement: &Placement) -> Graph {
    let elsewhere = placement.grads.iter().chain(&placement.kept);
    let elsewhere: Vec<usize> = elsewhere.map(|(output, _)| *output).collect();
    // The order does not change the sizes.
    let sizes = memory::sizes(&g);
    let ordered = |g: &Graph| {
        let order = order(g, &sizes, &elsewhere);
        let sizes: Sizes = order.iter().map(|id| sizes[id.index()].clone()).collect();
        let ordered = reorder(g, &order);
        (memory::bytes_of(&ordered, placement, &sizes), ordered)
    };
    let mut others = Vec::new();
    // A body is planned among the values around it, so a smaller body may make the whole larger.
    if let Some(with_bodies) = bodies(&g) {
        let ordered = ordered(&with_bodies);
        let bytes = memory::bytes_of(&with_bodies, placement, &sizes);
        others.extend([(bytes, with_bodies), ordered]);
    }
    others.push(ordered(&g));
    let first = (memory::bytes_of(&g, placement, &sizes), g);
    let least = |best: (i64, Graph), other: (i64, Graph)| match other.0 < best.0 {
        true => other,
        false => best,
    };
    others.into_iter().fold(first, least).1
}

/// The graph with the bodies of its scans ordered; `None` without scans.
fn bodies(g: &Graph) -> Option<Graph> {
    let mut out = g.clone();
    let mut any = false;
    for node in &mut out.nodes {
        if let Op::Scan(scan) = &mut node.op {
            scan.body = body(std::mem::take(&mut scan.body));
            any = true;
        }
    }
    any.then_some(out)
}

/// Orders a scan's body, whose results are outside it.
fn body(g: Graph) -> Graph {
    let g = bodies(&g).unwrap_or(g);
    let elsewhere: Vec<usize> = (0..g.outputs.len()).collect();
    let other = reorder(&g, &order(&g, &memory::sizes(&g), &elsewhere));
    match memory::body_bytes(&other) < memory::body_bytes(&g) {
        true => other,
        false => g,
    }
}

/// Whether a node takes no time and no memory.
fn is_view(node: &Node) -> bool {
    matches!(
        node.op,
        Op::Input { .. } | Op::Param { .. } | Op::Reshape | Op::Barrier | Op::Get(_)
    )
}

/// The state of a graph while it is ordered.
struct State<'g> {
    g: &'g Graph,
    /// For each node, whether it waits for its first reader.
    lazy: Vec<bool>,
    /// For each result of each node, its bytes in the workspace.
    bytes: Vec<Vec<i64>>,
    /// For each result of each node, the nodes that have yet to read it; outputs always have a reader left.
    readers: Vec<Vec<usize>>,
    done: Vec<bool>,
    order: Vec<NodeId>,
}

/// The greedy order. `elsewhere`: outputs that take no bytes of the workspace.
fn order(g: &Graph, sizes: &Sizes, elsewhere: &[usize]) -> Vec<NodeId> {
    let mut state = State::new(g, sizes, elsewhere);
    for id in g.inputs() {
        state.run(id);
    }
    let mut missing: Vec<usize> = vec![0; g.nodes.len()];
    let mut unlocks: Vec<Vec<NodeId>> = vec![Vec::new(); g.nodes.len()];
    let mut ready = BTreeSet::new();
    for id in g.ids() {
        if state.lazy[id.index()] || is_view(&g[id]) {
            continue;
        }
        let needs = state.needs(id);
        missing[id.index()] = needs.len();
        for n in &needs {
            unlocks[n.index()].push(id);
        }
        if needs.is_empty() {
            ready.insert(id);
        }
    }
    while let Some(next) = ready.iter().copied().min_by_key(|id| state.growth(*id)) {
        ready.remove(&next);
        for id in state.batch(next) {
            state.run(id);
        }
        for user in std::mem::take(&mut unlocks[next.index()]) {
            missing[user.index()] -= 1;
            if missing[user.index()] == 0 {
                ready.insert(user);
            }
        }
    }
    for id in g.ids() {
        state.run(id);
    }
    state.order
}

impl<'g> State<'g> {
    fn new(g: &'g Graph, sizes: &Sizes, elsewhere: &[usize]) -> Self {
        let computed = |a: &NodeId| !is_view(&g[root(g, *a).0]);
        let lazy = (g.nodes.iter())
            .map(|n| !is_view(n) && !n.args.iter().any(computed))
            .collect();
        let mut bytes: Vec<Vec<i64>> = (g.nodes.iter().zip(sizes))
            .map(|(n, sizes)| match n.op {
                Op::Param { .. } | Op::Reshape | Op::Barrier | Op::Get(_) => vec![0; sizes.len()],
                _ => sizes.iter().map(|(_, bytes)| *bytes).collect(),
            })
            .collect();
        let mut readers: Vec<Vec<usize>> = bytes.iter().map(|b| vec![0; b.len()]).collect();
        for (i, o) in g.outputs.iter().enumerate() {
            let (n, k) = root(g, *o);
            readers[n.index()][k] += 1;
            if elsewhere.contains(&i) {
                bytes[n.index()][k] = 0;
            }
        }
        for node in g.nodes.iter().filter(|n| !is_view(n)) {
            for (n, k) in reads(g, node) {
                readers[n.index()][k] += 1;
            }
        }
        State {
            g,
            lazy,
            bytes,
            readers,
            done: vec![false; g.nodes.len()],
            order: Vec::new(),
        }
    }

    /// The nodes that must run before this one can be chosen.
    fn needs(&self, id: NodeId) -> BTreeSet<NodeId> {
        reads(self.g, &self.g[id])
            .into_iter()
            .map(|(n, _)| n)
            .filter(|n| !self.lazy[n.index()] && !is_view(&self.g[*n]))
            .collect()
    }

    /// The nodes that run when this one is chosen: those that waited for a reader, then itself.
    fn batch(&self, id: NodeId) -> Vec<NodeId> {
        let mut out: Vec<NodeId> = reads(self.g, &self.g[id])
            .into_iter()
            .map(|(n, _)| n)
            .filter(|n| self.lazy[n.index()] && !self.done[n.index()])
            .collect();
        out.sort_unstable();
        out.dedup();
        out.push(id);
        out
    }

    /// The increase of live bytes when this node runs.
    fn growth(&self, id: NodeId) -> i64 {
        let batch = self.batch(id);
        let made: i64 = batch
            .iter()
            .flat_map(|n| &self.bytes[n.index()])
            .sum::<i64>();
        let mut read: Vec<(NodeId, usize)> = batch
            .iter()
            .flat_map(|n| reads(self.g, &self.g[*n]))
            .collect();
        read.sort_unstable();
        let freed: i64 = read
            .chunk_by(|a, b| a == b)
            .filter(|same| self.readers[same[0].0.index()][same[0].1] == same.len())
            .map(|same| self.bytes[same[0].0.index()][same[0].1])
            .sum();
        made - freed
    }

    /// Runs a node next, after views of its operands.
    fn run(&mut self, id: NodeId) {
        if std::mem::replace(&mut self.done[id.index()], true) {
            return;
        }
        let g = self.g;
        for a in &g[id].args {
            self.run(*a);
        }
        if !is_view(&g[id]) {
            for (n, k) in reads(g, &g[id]) {
                self.readers[n.index()][k] -= 1;
            }
        }
        self.order.push(id);
    }
}

/// The values that a node reads, each once.
fn reads(g: &Graph, node: &Node) -> Vec<(NodeId, usize)> {
    let mut out: Vec<_> = node.args.iter().map(|a| root(g, *a)).collect();
    out.sort_unstable();
    out.dedup();
    out
}

/// The same graph with its nodes in this order.
fn reorder(g: &Graph, order: &[NodeId]) -> Graph {
    let mut new = vec![NodeId(0); g.nodes.len()];
    let mut out = Graph {
        here: g.here.clone(),
        ..Graph::default()
    };
    for id in order {
        let mut node = g[*id].clone();
        for a in &mut node.args {
            *a = new[a.index()];
        }
        new[id.index()] = out.add(node);
    }
    out.outputs = g.outputs.iter().map(|o| new[o.index()]).collect();
    out
}
