//! The gradient of a scan: a scan in the other direction.
//!
//! One step of the body is differentiated as any graph and split in two. Backward gets the values that it reads from
//! forward in three ways: shared values and slices are operands; views, constants and values that depend on shared
//! values alone are computed again; every other value becomes a further stacked result of the forward scan. The
//! gradients of carried values are carried, those of slices are stacked, and those of shared values are summed step by
//! step; but a sum or a product over rows is taken once, after the loop, over the rows of all steps.

use super::autodiff;
use crate::ir::{DType, Graph, NodeId, Op, Reduce, Scan};
use crate::passes::simplify;
use crate::scalar::Scalar;

/// The gradients of the operands of scan `y`.
pub fn rule(
    g: &mut Graph,
    y: NodeId,
    scan: &Scan,
    dys: &[Option<NodeId>],
    wanted: &[bool],
) -> Vec<Option<NodeId>> {
    let args = g[y].args.clone();
    let Some(step) = differentiate(g, scan, args.clone(), dys, wanted) else {
        return vec![None; args.len()];
    };
    let parts = Parts::of(&step);
    let mut backward = Backward::new(&step);
    let outputs = backward.build(g, &parts);
    backward.number(outputs);
    // Forward first: its further results are operands of backward.
    let saved = forward(g, y, &step, &backward.saved);
    let slices = backward.slices.iter().map(|s| s.node(&saved)).collect();
    let operands = [backward.shared.clone(), backward.carried.clone(), slices].concat();
    let scan = Scan {
        name: format!("{} backward", scan.name),
        body: backward.body.clone(),
        count: scan.count.clone(),
        reverse: !scan.reverse,
        shared: backward.shared.len(),
        carried: backward.carried.len(),
    };
    let types = scan.results();
    let results = g.add_many(Op::Scan(Box::new(scan)), &operands, &types);
    gradients(g, &parts, &mut backward, &results, &saved)
}

/// One step, forward and backward in one graph.
struct Step<'a> {
    scan: &'a Scan,
    /// The scan's operands.
    args: Vec<NodeId>,
    /// The graph; outputs are forward's results, then the gradients of `flows`. Inputs are the
    /// scan's, then the seeds.
    whole: Graph,
    /// Nodes that forward computes.
    forward: Vec<bool>,
    /// Nodes that depend on shared values alone.
    invariant: Vec<bool>,
    /// The operands that gradients flow to.
    flows: Vec<usize>,
    /// Where gradients come from.
    seeds: Vec<Seed>,
    /// The number of forward's results.
    results: usize,
}

/// An incoming gradient.
#[derive(Clone, Copy)]
enum Seed {
    /// Of a carried value's successor: carried, and starts as this outer value.
    Carried(NodeId),
    /// Of a stacked result: a slice of this outer value.
    Slice(NodeId),
}

fn differentiate<'a>(
    g: &mut Graph,
    scan: &'a Scan,
    args: Vec<NodeId>,
    dys: &[Option<NodeId>],
    wanted: &[bool],
) -> Option<Step<'a>> {
    let mut body = scan.body.clone();
    let inputs = body.inputs();
    let active = activity(&body, scan, wanted);
    let wrt = pick(&inputs, &active);
    let flowing = autodiff::active(&body, &wrt);
    let results = body.outputs.clone();
    let (mut seeds, mut given) = (Vec::new(), Vec::new());
    for (k, o) in results.iter().enumerate() {
        let dy = dys.get(k).copied().flatten();
        let shape = body.shape(*o).clone();
        let seed = if k < scan.carried {
            active[scan.shared + k]
                .then(|| Seed::Carried(dy.unwrap_or_else(|| g.full(0.0, DType::Float, &shape))))
        } else {
            dy.filter(|_| flowing[o.index()]).map(Seed::Slice)
        };
        if let Some(seed) = seed {
            let index = args.len() + seeds.len();
            let dy = body.add_typed(Op::Input { index }, &[], shape, DType::Float);
            given.push((*o, dy));
            seeds.push(seed);
        }
    }
    if seeds.is_empty() {
        return None;
    }
    let grads = autodiff::gradients(&mut body, &given, &wrt);
    let carried = scan.shared..scan.shared + scan.carried;
    let mut flows = Vec::new();
    for (k, grad) in (0..inputs.len()).filter(|k| active[*k]).zip(grads) {
        let shape = body.shape(inputs[k]).clone();
        let grad = match grad {
            None if carried.contains(&k) => body.full(0.0, DType::Float, &shape),
            None => continue,
            Some(grad) => grad,
        };
        flows.push(k);
        body.outputs.push(grad);
    }
    // This gradient may be differentiated itself (`grad`).
    let whole = simplify::simplify_for_gradients(&body);
    let results = results.len();
    Some(Step {
        forward: ancestors(&whole, &whole.outputs[..results]),
        invariant: invariant(&whole, scan.shared),
        scan,
        args,
        whole,
        flows,
        seeds,
        results,
    })
}

/// The inputs whose gradients are needed: wanted ones, and carried ones that depend on them.
fn activity(body: &Graph, scan: &Scan, wanted: &[bool]) -> Vec<bool> {
    let inputs = body.inputs();
    let float = |k: usize| body[inputs[k]].dtype == DType::Float;
    let mut active: Vec<bool> = (0..inputs.len()).map(|k| wanted[k] && float(k)).collect();
    loop {
        let flowing = autodiff::active(body, &pick(&inputs, &active));
        let more: Vec<usize> = (0..scan.carried)
            .filter(|k| !active[scan.shared + k] && float(scan.shared + k))
            .filter(|k| flowing[body.outputs[*k].index()])
            .collect();
        if more.is_empty() {
            return active;
        }
        more.iter().for_each(|k| active[scan.shared + k] = true);
    }
}

fn pick(inputs: &[NodeId], active: &[bool]) -> Vec<NodeId> {
    let chosen = inputs.iter().zip(active).filter(|(_, a)| **a);
    chosen.map(|(id, _)| *id).collect()
}

/// These nodes and all nodes that they depend on, with every result of each.
fn ancestors(g: &Graph, of: &[NodeId]) -> Vec<bool> {
    let mut out = vec![false; g.nodes.len()];
    of.iter().for_each(|o| out[o.index()] = true);
    for id in g.ids().rev() {
        if out[id.index()] {
            g[id].args.iter().for_each(|a| out[a.index()] = true);
        }
    }
    for id in g.ids() {
        if let Op::Get(_) = g[id].op {
            out[id.index()] = out[g[id].args[0].index()];
        }
    }
    out
}

/// The nodes that depend on shared inputs and constants only.
fn invariant(g: &Graph, shared: usize) -> Vec<bool> {
    let mut out = vec![false; g.nodes.len()];
    for id in g.ids() {
        let node = &g[id];
        out[id.index()] = match node.op {
            Op::Input { index } => index < shared,
            _ if node.op.draws() => false,
            _ => node.args.iter().all(|a| out[a.index()]),
        };
    }
    out
}

/// Whether computing a value again costs nothing.
fn is_free(op: &Op) -> bool {
    matches!(
        op,
        Op::Const(_)
            | Op::Whole(_)
            | Op::Size(_)
            | Op::Iota { .. }
            | Op::Reshape
            | Op::Detach
            | Op::Expand
            | Op::Permute(_)
            | Op::Slice { .. }
    )
}

/// A value outside the loop.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Outer {
    /// An existing value.
    Node(NodeId),
    /// A value that forward will stack.
    Saved(usize),
}

impl Outer {
    fn node(self, saved: &[NodeId]) -> NodeId {
        match self {
            Outer::Node(id) => id,
            Outer::Saved(i) => saved[i],
        }
    }
}

impl Step<'_> {
    /// The seed of an input of the whole step, if it is one.
    fn seed(&self, id: NodeId) -> Option<Seed> {
        match self.whole[id].op {
            Op::Input { index } => self.seeds.get(index.checked_sub(self.args.len())?).copied(),
            _ => None,
        }
    }

    /// Whether backward computes a value itself.
    fn is_made(&self, id: NodeId) -> bool {
        let op = &self.whole[id].op;
        !matches!(op, Op::Input { .. })
            && (!self.forward[id.index()] || self.invariant[id.index()] || is_free(op))
    }

    /// Whether the values of all steps are in memory after forward, or can be.
    fn is_known(&self, id: NodeId) -> bool {
        match (self.seed(id), &self.whole[id].op) {
            (Some(seed), _) => matches!(seed, Seed::Slice(_)),
            (None, Op::Input { index }) => *index >= self.scan.shared,
            _ => self.forward[id.index()] && !self.invariant[id.index()],
        }
    }

    /// The gradient of a shared value as a sum.
    fn terms(&self, id: NodeId) -> Vec<Term> {
        let node = &self.whole[id];
        let matrix = |x: NodeId| self.whole.shape(x).len() == 2 && !self.invariant[x.index()];
        match &node.op {
            Op::Scalar(Scalar::Add) => node.args.iter().flat_map(|a| self.terms(*a)).collect(),
            Op::MatMul {
                ta: true,
                tb: false,
                ..
            } if node.args.iter().all(|a| matrix(*a)) => {
                vec![Term::Product(node.args[0], node.args[1])]
            }
            Op::Reduce {
                kind: Reduce::Sum,
                dims,
                body: None,
            } if *dims == [0] && matrix(node.args[0]) => vec![Term::Sum(node.args[0])],
            _ => vec![Term::Other(id)],
        }
    }
}

/// A part of a shared value's gradient.
#[derive(Clone, Copy)]
enum Term {
    /// `a' b`, summed over rows.
    Product(NodeId, NodeId),
    /// A sum over rows.
    Sum(NodeId),
    /// Anything else: summed step by step.
    Other(NodeId),
}

impl Term {
    fn operands(self) -> Vec<NodeId> {
        match self {
            Term::Product(a, b) => vec![a, b],
            Term::Sum(x) | Term::Other(x) => vec![x],
        }
    }
}

/// The outputs of backward: for each kind, operands of the scan and nodes of the whole step.
struct Parts {
    carried: Vec<(usize, NodeId)>,
    summed: Vec<(usize, Vec<NodeId>)>,
    sliced: Vec<(usize, NodeId)>,
    /// Operands of `after` that are not known after forward.
    stacked: Vec<NodeId>,
    after: Vec<(usize, Term)>,
}

impl Parts {
    fn of(step: &Step) -> Parts {
        let (first, end) = (step.scan.shared, step.scan.shared + step.scan.carried);
        let mut parts = Parts {
            carried: Vec::new(),
            summed: Vec::new(),
            sliced: Vec::new(),
            stacked: Vec::new(),
            after: Vec::new(),
        };
        for (&k, &grad) in step.flows.iter().zip(&step.whole.outputs[step.results..]) {
            if k >= end {
                parts.sliced.push((k, grad));
                continue;
            }
            if k >= first {
                parts.carried.push((k, grad));
                continue;
            }
            let (inside, after): (Vec<Term>, Vec<Term>) =
                (step.terms(grad).into_iter()).partition(|t| matches!(t, Term::Other(_)));
            if !inside.is_empty() {
                let ids = inside.into_iter().flat_map(Term::operands).collect();
                parts.summed.push((k, ids));
            }
            parts.after.extend(after.into_iter().map(|t| (k, t)));
        }
        let mut stacked: Vec<NodeId> = (parts.after.iter())
            .flat_map(|(_, t)| t.operands())
            .filter(|id| !step.is_known(*id))
            .collect();
        stacked.sort_unstable();
        stacked.dedup();
        parts.stacked = stacked;
        parts
    }
}

/// The source of an input of backward's body: a place among its kind.
#[derive(Clone, Copy)]
enum Source {
    Shared(usize),
    Carried(usize),
    Slice(usize),
}

/// Backward's body under construction.
struct Backward<'a> {
    step: &'a Step<'a>,
    body: Graph,
    /// The body's node for each node of the whole step.
    map: Vec<Option<NodeId>>,
    inputs: Vec<(NodeId, Source)>,
    shared: Vec<NodeId>,
    carried: Vec<NodeId>,
    slices: Vec<Outer>,
    /// Values that forward stacks.
    saved: Vec<NodeId>,
}

fn place<T: PartialEq>(list: &mut Vec<T>, x: T) -> usize {
    list.iter().position(|s| *s == x).unwrap_or_else(|| {
        list.push(x);
        list.len() - 1
    })
}

impl<'a> Backward<'a> {
    fn new(step: &'a Step<'a>) -> Self {
        Backward {
            step,
            body: Graph::default(),
            map: vec![None; step.whole.nodes.len()],
            inputs: Vec::new(),
            shared: Vec::new(),
            carried: Vec::new(),
            slices: Vec::new(),
            saved: Vec::new(),
        }
    }

    /// Builds the nodes; returns the outputs.
    fn build(&mut self, g: &mut Graph, parts: &Parts) -> Vec<NodeId> {
        let step = self.step;
        let wanted: Vec<NodeId> = (parts.carried.iter().chain(&parts.sliced).map(|p| p.1))
            .chain(parts.summed.iter().flat_map(|(_, ids)| ids.iter().copied()))
            .chain(parts.stacked.iter().copied())
            .collect();
        let mut needed = vec![false; step.whole.nodes.len()];
        wanted.iter().for_each(|id| needed[id.index()] = true);
        for id in step.whole.ids().rev() {
            if needed[id.index()] && step.is_made(id) {
                (step.whole[id].args.iter()).for_each(|a| needed[a.index()] = true);
            }
        }
        for id in step.whole.ids() {
            // Carried gradients are inputs even where nothing reads them.
            let carried = matches!(step.seed(id), Some(Seed::Carried(_)));
            if needed[id.index()] || carried {
                self.node(id);
            }
        }
        for (_, term) in &parts.after {
            for id in term.operands().into_iter().filter(|id| step.is_known(*id)) {
                self.outer(id);
            }
        }
        let at = |b: &Self, id: NodeId| b.map[id.index()].unwrap_or(NodeId(0));
        let mut outputs: Vec<NodeId> = parts.carried.iter().map(|p| at(self, p.1)).collect();
        for (_, ids) in &parts.summed {
            let shape = self.body.shape(at(self, ids[0])).clone();
            let zero = g.full(0.0, DType::Float, &shape);
            self.carried.push(zero);
            let source = Source::Carried(self.carried.len() - 1);
            let op = Op::Input { index: 0 };
            let mut sum = self.body.add_typed(op, &[], shape, DType::Float);
            self.inputs.push((sum, source));
            for id in ids {
                let part = at(self, *id);
                sum = self.body.scalar(Scalar::Add, &[sum, part]);
            }
            outputs.push(sum);
        }
        outputs.extend(parts.sliced.iter().map(|p| at(self, p.1)));
        outputs.extend(parts.stacked.iter().map(|id| at(self, *id)));
        outputs
    }

    fn node(&mut self, id: NodeId) {
        let mut node = self.step.whole[id].clone();
        if self.step.is_made(id) {
            node.args = (node.args.iter())
                .filter_map(|a| self.map[a.index()])
                .collect();
            self.map[id.index()] = Some(self.body.add(node));
            return;
        }
        let source = match (self.step.seed(id), &node.op) {
            (Some(Seed::Carried(outer)), _) => {
                self.carried.push(outer);
                Source::Carried(self.carried.len() - 1)
            }
            (None, Op::Input { index }) if *index < self.step.scan.shared => {
                Source::Shared(place(&mut self.shared, self.step.args[*index]))
            }
            _ => {
                let outer = self.outer(id);
                Source::Slice(place(&mut self.slices, outer))
            }
        };
        node.op = Op::Input { index: 0 };
        node.args.clear();
        node.more_results.clear();
        let input = self.body.add(node);
        self.map[id.index()] = Some(input);
        self.inputs.push((input, source));
    }

    /// The outer value that has a known value's slices.
    fn outer(&mut self, id: NodeId) -> Outer {
        let end = self.step.scan.shared + self.step.scan.carried;
        match (self.step.seed(id), &self.step.whole[id].op) {
            (Some(Seed::Slice(outer) | Seed::Carried(outer)), _) => Outer::Node(outer),
            (None, Op::Input { index }) if *index >= end => Outer::Node(self.step.args[*index]),
            _ => Outer::Saved(place(&mut self.saved, id)),
        }
    }

    /// Numbers the inputs: shared, carried, slices. Two inputs of one outer value become one.
    fn number(&mut self, outputs: Vec<NodeId>) {
        self.body.outputs = outputs;
        let (shared, carried) = (self.shared.len(), self.carried.len());
        for (id, source) in &self.inputs {
            let index = match source {
                Source::Shared(k) => *k,
                Source::Carried(k) => shared + k,
                Source::Slice(k) => shared + carried + k,
            };
            self.body.nodes[id.index()].op = Op::Input { index };
        }
        self.body = simplify::one_of_each_input(&self.body);
    }
}

/// Adds the further results to forward; returns their nodes.
fn forward(g: &mut Graph, y: NodeId, step: &Step, saved: &[NodeId]) -> Vec<NodeId> {
    let mut body = step.whole.clone();
    body.outputs.truncate(step.results);
    let mut index = Vec::new();
    for s in saved {
        let stacked = &body.outputs[step.scan.carried..];
        index.push(match stacked.iter().position(|o| o == s) {
            Some(i) => step.scan.carried + i,
            None => {
                body.outputs.push(*s);
                body.outputs.len() - 1
            }
        });
    }
    let scan = Scan {
        body: simplify::prune_inputs(&body, step.args.len()),
        ..step.scan.clone()
    };
    g.nodes[y.index()].more_results = scan.results()[1..].to_vec();
    g.nodes[y.index()].op = Op::Scan(Box::new(scan));
    (index.into_iter())
        .map(|k| g.push(Op::Get(k), &[y], None))
        .collect()
}

/// The operands' gradients from backward's results.
fn gradients(
    g: &mut Graph,
    parts: &Parts,
    backward: &mut Backward,
    results: &[NodeId],
    saved: &[NodeId],
) -> Vec<Option<NodeId>> {
    let step = backward.step;
    let mut out = vec![None; step.args.len()];
    let operands = (parts.carried.iter().map(|p| p.0))
        .chain(parts.summed.iter().map(|p| p.0))
        .chain(parts.sliced.iter().map(|p| p.0));
    let first = parts.carried.len() + parts.summed.len() + parts.sliced.len();
    for (k, result) in operands.zip(results) {
        out[k] = Some(*result);
    }
    for (k, term) in &parts.after {
        let operands: Vec<NodeId> = (term.operands().iter())
            .map(|id| {
                let x = match parts.stacked.iter().position(|s| s == id) {
                    Some(i) => results[first + i],
                    None => backward.outer(*id).node(saved),
                };
                rows(g, x)
            })
            .collect();
        let part = match operands[..] {
            [a, b] => g.matmul(a, b, true, false),
            _ => g.sum(operands[0], &[0]),
        };
        out[*k] = Some(match out[*k] {
            None => part,
            Some(sum) => g.add2(sum, part),
        });
    }
    out
}

/// `[n, m, k]` as `[n m, k]`.
fn rows(g: &mut Graph, x: NodeId) -> NodeId {
    let shape = g.shape(x).clone();
    let rows = shape[0].mul(&shape[1]);
    g.reshape(x, &vec![rows, shape[2].clone()])
}
