//! Fusion: elementwise functions into maps, maps into the products and reductions beside them.
//!
//! Takes a simplified graph. After: no `Scalar`, `Const`, `Size`, `Iota`, `Expand`, `Permute` or `Slice` is left.
//! Scalar functions of one shape form clusters, each one map; views of a map's operands are its accesses; a map that
//! alone reads a product is the product's epilogue; a map that only a reduction reads is the reduction's body. The
//! bodies of scans are fused separately.

use crate::dim::{Dim, Shape};
use crate::ir::strides::{self, blocks};
use crate::ir::{Access, DType, Graph, Here, Instr, Map, NodeId, Op};
use crate::passes::cluster::{Clusters, is_leaf};
use crate::passes::simplify::prune;
use crate::scalar::Scalar;
use crate::value::nearest;
use rustc_hash::FxHashMap;

/// Fuses.
pub fn fuse(graph: &Graph) -> Graph {
    let users = graph.users();
    let clusters = Clusters::new(graph, &users);
    let mut f = Fuse {
        old: graph,
        new: Graph::default(),
        clusters,
        users,
        done: vec![None; graph.nodes.len()],
    };
    // Inputs keep their numbers: the slots of these numbers receive them.
    for id in graph.ids() {
        if matches!(graph[id].op, Op::Input { .. }) {
            f.value(id);
        }
    }
    for id in graph.ids() {
        if !is_leaf(graph, id) && !is_view(&graph[id].op) && !matches!(graph[id].op, Op::Get(_)) {
            let inner = matches!(graph[id].op, Op::Scalar(_)) && !f.leaves_cluster(id);
            let absorbed = matches!(graph[id].op, Op::MatMul { .. }) && f.epilogue_of(id).is_some();
            let body = matches!(graph[id].op, Op::Scalar(_)) && f.body_of(id).is_some();
            if !inner && !absorbed && !body {
                f.value(id);
            }
        }
    }
    f.new.outputs = graph.outputs.clone().iter().map(|o| f.value(*o)).collect();
    prune(&f.new)
}

fn is_view(op: &Op) -> bool {
    matches!(op, Op::Expand | Op::Permute(_) | Op::Slice { .. })
}

/// Follows views from a value down to the stored value, composing their accesses.
fn peel(g: &Graph, id: NodeId) -> (NodeId, Access) {
    let mut access = Access::identity(g.shape(id).len());
    let mut at = id;
    loop {
        let node = &g[at];
        let Some(&x) = node.args.first() else {
            return (at, access);
        };
        let shape = g.shape(x);
        let zero = vec![Dim::from(0); shape.len()];
        let ones = vec![1; shape.len()];
        // For each dimension of `x`, the dimension of `node` that moves with it, and how.
        let (moved, start, step): (Vec<Option<usize>>, Vec<Dim>, Vec<i64>) = match &node.op {
            Op::Expand => {
                let lead = node.shape.len() - shape.len();
                let moved = (0..shape.len()).map(|d| {
                    (!shape[d].is_one() || node.shape[d + lead].is_one()).then_some(d + lead)
                });
                (moved.collect(), zero, ones)
            }
            Op::Permute(dims) => {
                let mut moved = vec![None; shape.len()];
                for (i, d) in dims.iter().enumerate() {
                    moved[*d] = Some(i);
                }
                (moved, zero, ones)
            }
            Op::Slice { start, step } => (
                (0..shape.len()).map(Some).collect(),
                start.clone(),
                step.clone(),
            ),
            Op::Reshape => match ones_moved(shape, &node.shape) {
                Some(moved) => (moved, zero, ones),
                None => return (at, access),
            },
            _ => return (at, access),
        };
        let mut next = Access {
            dims: vec![None; access.dims.len()],
            start,
            step,
        };
        for (d, from) in moved.iter().enumerate() {
            let Some(from) = from else { continue };
            next.start[d] = next.start[d].add(&access.start[*from].mul(&Dim::from(next.step[d])));
            next.step[d] *= access.step[*from];
            for (i, by) in access.dims.iter().enumerate() {
                if *by == Some(*from) {
                    next.dims[i] = Some(d);
                }
            }
        }
        access = next;
        at = x;
    }
}

/// For a reshape that only adds or drops dimensions of 1: for each old dimension the new one.
fn ones_moved(from: &Shape, to: &Shape) -> Option<Vec<Option<usize>>> {
    let real = |s: &Shape| -> Vec<usize> { (0..s.len()).filter(|d| !s[*d].is_one()).collect() };
    let (a, b) = (real(from), real(to));
    if a.len() != b.len() || a.iter().zip(&b).any(|(i, j)| from[*i] != to[*j]) {
        return None;
    }
    let mut moved = vec![None; from.len()];
    for (i, j) in a.iter().zip(&b) {
        moved[*i] = Some(*j);
    }
    Some(moved)
}

struct Fuse<'a> {
    old: &'a Graph,
    new: Graph,
    clusters: Clusters,
    users: Vec<Vec<NodeId>>,
    /// The new node of each old node that has been built.
    done: Vec<Option<NodeId>>,
}

/// A map under construction.
struct Writer {
    map: Map,
    sources: Vec<(NodeId, Access)>,
    steps: FxHashMap<Instr, usize>,
    values: FxHashMap<NodeId, usize>,
}

impl Writer {
    fn new() -> Self {
        Writer {
            map: Map::default(),
            sources: Vec::new(),
            steps: FxHashMap::default(),
            values: FxHashMap::default(),
        }
    }

    fn step(&mut self, instr: Instr, dtype: DType) -> usize {
        if let Some(i) = self.steps.get(&instr) {
            return *i;
        }
        self.map.body.push(instr.clone());
        self.map.types.push(dtype);
        self.steps.insert(instr, self.map.body.len() - 1);
        self.map.body.len() - 1
    }

    fn load(&mut self, source: NodeId, access: Access, dtype: DType) -> usize {
        let key = (source, access);
        let k = self
            .sources
            .iter()
            .position(|s| *s == key)
            .unwrap_or_else(|| {
                self.sources.push(key);
                self.sources.len() - 1
            });
        self.step(Instr::Load(k), dtype)
    }
}

impl Fuse<'_> {
    /// The new node that holds an old node's value.
    fn value(&mut self, id: NodeId) -> NodeId {
        if let Some(new) = self.done[id.index()] {
            return new;
        }
        let node = &self.old[id];
        self.new.here = Here {
            span: node.span,
            name: node.name.clone(),
        };
        if is_leaf(self.old, id) || is_view(&node.op) {
            return self.materialise(id);
        }
        match &node.op {
            Op::Scalar(_) => self.cluster_of(id),
            Op::Reduce { .. } => self.reduce(id),
            _ => {
                let args: Vec<NodeId> = node.args.iter().map(|a| self.value(*a)).collect();
                let mut node = node.clone();
                node.args = args;
                if let Op::Scan(scan) = &mut node.op {
                    scan.body = fuse(&scan.body);
                }
                let new = self.new.add(node);
                self.done[id.index()] = Some(new);
                new
            }
        }
    }

    /// A map that writes a view, a constant or an index where an op needs it in memory.
    fn materialise(&mut self, id: NodeId) -> NodeId {
        let shape = self.old.shape(id).clone();
        let mut w = Writer::new();
        let result = self.operand(&mut w, id, usize::MAX);
        w.map.results = vec![result];
        let new = self.finish(w, &shape)[0];
        self.done[id.index()] = Some(new);
        new
    }

    /// Writes the steps that compute `id` in a map of its shape; values outside `cluster` are loaded.
    fn operand(&mut self, w: &mut Writer, id: NodeId, cluster: usize) -> usize {
        if let Some(i) = w.values.get(&id) {
            return *i;
        }
        let node = &self.old[id];
        let step = match &node.op {
            Op::Scalar(f) if self.clusters.get(id) == Some(cluster) => {
                let args = node
                    .args
                    .iter()
                    .map(|a| self.operand(w, *a, cluster))
                    .collect();
                w.step(Instr::Apply(*f, args), node.dtype)
            }
            _ if is_leaf(self.old, id) => self.leaf(w, id),
            _ => {
                let (source, access) = peel(self.old, id);
                // An index seen through a view runs along the dimension that it moves with.
                if let Op::Iota { dim } = self.old[source].op
                    && access.start[dim] == Dim::from(0)
                    && access.step[dim] == 1
                    && let Some(d) = access.dims.iter().position(|x| *x == Some(dim))
                {
                    w.step(Instr::Iota(d), DType::Int)
                } else if is_leaf(self.old, source) && self.old.shape(source).is_empty() {
                    self.leaf(w, source)
                } else {
                    w.load(source, access, node.dtype)
                }
            }
        };
        w.values.insert(id, step);
        step
    }

    fn leaf(&mut self, w: &mut Writer, id: NodeId) -> usize {
        let node = &self.old[id];
        match &node.op {
            Op::Const(v) => w.step(Instr::Const(node.dtype, v.to_bits()), node.dtype),
            Op::Whole(v) => {
                let bits = nearest(*v).cast_unsigned();
                w.step(Instr::Const(DType::Int, bits), DType::Int)
            }
            Op::Size(d) => w.step(Instr::Size(d.clone()), DType::Float),
            Op::Iota { dim } => w.step(Instr::Iota(*dim), DType::Int),
            Op::Scalar(f) => {
                let args = node.args.iter().map(|a| self.leaf(w, *a)).collect();
                w.step(Instr::Apply(*f, args), node.dtype)
            }
            _ => self.leaf(w, node.args[0]),
        }
    }

    /// Adds the map's node.
    fn finish(&mut self, mut w: Writer, shape: &Shape) -> Vec<NodeId> {
        let here = self.new.here.clone();
        let args = self.sources(&mut w);
        self.new.here = here;
        self.new.map(w.map, &args, shape)
    }

    fn sources(&mut self, w: &mut Writer) -> Vec<NodeId> {
        w.map.access = w.sources.iter().map(|s| s.1.clone()).collect();
        w.sources.iter().map(|s| self.value(s.0)).collect()
    }

    /// Whether a value is read outside its cluster.
    fn leaves_cluster(&self, id: NodeId) -> bool {
        let own = self.clusters.get(id);
        self.old.outputs.contains(&id)
            || self.users[id.index()]
                .iter()
                .any(|u| self.clusters.get(*u) != own)
    }

    /// The members of a cluster that others read.
    fn results(&self, cluster: usize) -> Vec<NodeId> {
        self.clusters.members[cluster]
            .iter()
            .copied()
            .filter(|m| self.leaves_cluster(*m))
            .collect()
    }

    /// The cluster that takes a product as its operand, if it alone reads the product, in its shape.
    fn epilogue_of(&self, product: NodeId) -> Option<usize> {
        let users = &self.users[product.index()];
        let cluster = self.clusters.get(*users.first()?)?;
        let alone = users.iter().all(|u| {
            self.clusters.get(*u) == Some(cluster) && self.old.shape(*u) == self.old.shape(product)
        });
        if !alone || self.old.outputs.contains(&product) {
            return None;
        }
        // A cluster takes one product; the choice must not depend on the caller.
        (self.product_in(cluster) == Some(product)).then_some(cluster)
    }

    /// The last product that a cluster alone reads, in its shape.
    fn product_in(&self, cluster: usize) -> Option<NodeId> {
        let mut candidates: Vec<NodeId> = self.clusters.members[cluster]
            .iter()
            .flat_map(|m| self.old[*m].args.iter().copied())
            .filter(|a| matches!(self.old[*a].op, Op::MatMul { epilogue: None, .. }))
            .filter(|a| {
                !self.old.outputs.contains(a)
                    && self.users[a.index()].iter().all(|u| {
                        self.clusters.get(*u) == Some(cluster)
                            && self.old.shape(*u) == self.old.shape(*a)
                    })
            })
            .collect();
        // The last one: the others are computed before it runs.
        candidates.sort_unstable();
        candidates.pop()
    }

    /// The reduction that alone reads a cluster's single result `id`, if it can compute the result itself.
    fn body_of(&self, id: NodeId) -> Option<NodeId> {
        let cluster = self.clusters.get(id)?;
        if self.product_in(cluster).is_some() || self.old.outputs.contains(&id) {
            return None;
        }
        let &[reduce] = self.users[id.index()].as_slice() else {
            return None;
        };
        let Op::Reduce { dims, .. } = &self.old[reduce].op else {
            return None;
        };
        if self.results(cluster) != [id] {
            return None;
        }
        let shape = self.old.shape(id);
        let fits = self.clusters.members[cluster]
            .iter()
            .flat_map(|m| &self.old[*m].args)
            .all(|a| {
                self.clusters.get(*a) == Some(cluster) || is_leaf(self.old, *a) || {
                    let (source, access) = peel(self.old, *a);
                    strides::collapsed(
                        &access,
                        self.old.shape(source),
                        shape,
                        &blocks(dims, shape.len()),
                    )
                    .is_some()
                }
            });
        let iotas = self.clusters.members[cluster]
            .iter()
            .flat_map(|m| &self.old[*m].args)
            .any(|a| matches!(self.old[peel(self.old, *a).0].op, Op::Iota { .. }));
        (fits && !iotas).then_some(reduce)
    }

    fn cluster_of(&mut self, id: NodeId) -> NodeId {
        let Some(cluster) = self.clusters.get(id) else {
            return self.materialise(id);
        };
        let shape = self.old.shape(id).clone();
        let results = self.results(cluster);
        let product = self.product_in(cluster);
        let mut w = Writer::new();
        if let Some(p) = product {
            // The product is operand 0.
            w.load(p, Access::identity(shape.len()), DType::Float);
        }
        for r in &results {
            let step = self.operand(&mut w, *r, cluster);
            w.map.results.push(step);
        }
        let here = Here {
            span: self.old[id].span,
            name: results
                .iter()
                .map(|r| self.old[*r].name.as_str())
                .find(|n| !n.is_empty())
                .unwrap_or("")
                .to_owned(),
        };
        let new = match product {
            None => {
                self.new.here = here;
                self.finish(w, &shape)
            }
            Some(p) => {
                let Op::MatMul { ta, tb, .. } = self.old[p].op else {
                    return self.materialise(id);
                };
                let mut args: Vec<NodeId> =
                    self.old[p].args.iter().map(|a| self.value(*a)).collect();
                w.map.access = w.sources.iter().map(|s| s.1.clone()).collect();
                let rest: Vec<NodeId> = w.sources[1..].iter().map(|s| s.0).collect();
                args.extend(rest.into_iter().map(|s| self.value(s)));
                let types: Vec<_> = w
                    .map
                    .results
                    .iter()
                    .map(|r| (shape.clone(), w.map.types[*r]))
                    .collect();
                let name = if here.name.is_empty() {
                    self.old[p].name.clone()
                } else {
                    here.name
                };
                self.new.here = Here {
                    span: here.span,
                    name,
                };
                let epilogue = Some(Box::new(w.map));
                self.new
                    .add_many(Op::MatMul { ta, tb, epilogue }, &args, &types)
            }
        };
        for (r, n) in results.iter().zip(new) {
            self.done[r.index()] = Some(n);
        }
        self.done[id.index()].unwrap_or_else(|| self.materialise(id))
    }

    /// A reduction, with the map or view before it.
    fn reduce(&mut self, id: NodeId) -> NodeId {
        let node = self.old[id].clone();
        let Op::Reduce { kind, dims, .. } = &node.op else {
            return self.materialise(id);
        };
        let x = node.args[0];
        let shape = self.old.shape(x).clone();
        let mut w = Writer::new();
        let mut fused = false;
        if matches!(self.old[x].op, Op::Scalar(_)) && !is_leaf(self.old, x) {
            if self.body_of(x) == Some(id) {
                let cluster = self.clusters.get(x).unwrap_or(usize::MAX);
                let step = self.operand(&mut w, x, cluster);
                w.map.results = vec![step];
                fused = true;
            }
        } else if is_view(&self.old[x].op) {
            let (source, access) = peel(self.old, x);
            let stored = !is_leaf(self.old, source);
            if stored
                && strides::collapsed(
                    &access,
                    self.old.shape(source),
                    &shape,
                    &blocks(dims, shape.len()),
                )
                .is_some()
            {
                let step = self.operand(&mut w, x, usize::MAX);
                w.map.results = vec![step];
                fused = true;
            }
        }
        let (args, body) = if fused {
            let args = self.sources(&mut w);
            (args, Some(Box::new((w.map, shape))))
        } else {
            (vec![self.value(x)], None)
        };
        self.new.here = Here {
            span: node.span,
            name: node.name.clone(),
        };
        let new = self.new.push(
            Op::Reduce {
                kind: *kind,
                dims: dims.clone(),
                body,
            },
            &args,
            Some(node.shape.clone()),
        );
        self.new.nodes[new.index()].more_results = node.more_results;
        self.done[id.index()] = Some(new);
        new
    }
}

/// The scalar functions in a map, for tests and tables.
pub fn functions(map: &Map) -> Vec<Scalar> {
    map.body
        .iter()
        .filter_map(|i| match i {
            Instr::Apply(f, _) => Some(*f),
            _ => None,
        })
        .collect()
}
