//! Groups of scalar functions (clusters). Fusion turns each group into one map.
//!
//! Takes a simplified graph. After: the members of a group have one shape, and no group depends on itself through values
//! outside.

use crate::ir::{DType, Graph, NodeId, Op};
use crate::scalar::Cost;
use std::collections::BTreeSet;

/// Values that every map computes for itself: constants, sizes, indices, scalars of these.
pub fn is_leaf(g: &Graph, id: NodeId) -> bool {
    let node = &g[id];
    match node.op {
        // A map's scalars are floats, which cannot hold every integer: an integer size is in memory.
        Op::Size(_) => node.dtype == DType::Float,
        Op::Const(_) | Op::Whole(_) | Op::Iota { .. } => true,
        Op::Scalar(_) => node.shape.is_empty() && node.args.iter().all(|a| is_leaf(g, *a)),
        Op::Expand => g[node.args[0]].shape.is_empty() && is_leaf(g, node.args[0]),
        _ => false,
    }
}

/// Groups scalar functions of one shape so that no group depends on itself through values outside.
pub struct Clusters {
    /// Each node's cluster, before merging.
    of: Vec<Option<usize>>,
    parent: Vec<usize>,
    /// The nodes of each cluster, in order.
    pub members: Vec<Vec<NodeId>>,
    /// Each node's level, and each cluster's: above the levels of all that it reads. True only while clusters grow.
    node_levels: Vec<usize>,
    levels: Vec<usize>,
}

impl Clusters {
    /// Groups the scalar functions of a graph.
    pub fn new(g: &Graph, users: &[Vec<NodeId>]) -> Self {
        let mut clusters = cluster(g, users);
        recompute(g, users, &mut clusters);
        clusters
    }

    fn find(&self, mut c: usize) -> usize {
        while self.parent[c] != c {
            c = self.parent[c];
        }
        c
    }
    /// The cluster of a node.
    pub fn get(&self, id: NodeId) -> Option<usize> {
        self.of[id.index()].map(|c| self.find(c))
    }

    /// The level of a node, or of its cluster.
    fn level(&self, id: NodeId) -> usize {
        self.get(id)
            .map_or(self.node_levels[id.index()], |c| self.levels[c])
    }

    /// Lifts a node, or its cluster, above what it reads, and then what reads it. `last` is the last node that has been
    /// seen.
    fn lift(&mut self, g: &Graph, users: &[Vec<NodeId>], from: NodeId, last: NodeId) {
        // From the lowest level on, so that each is lifted once.
        let mut open = BTreeSet::from([(self.level(from), from)]);
        while let Some((_, id)) = open.pop_first() {
            let own = self.get(id);
            let members = own.map_or(vec![id], |c| self.members[c].clone());
            let read = (members.iter().flat_map(|m| &g[*m].args))
                .filter(|a| own.is_none() || self.get(**a) != own)
                .map(|a| self.level(*a) + 1);
            let level = read.max().unwrap_or(0);
            let known = match own {
                Some(c) => &mut self.levels[c],
                None => &mut self.node_levels[id.index()],
            };
            if level <= *known {
                continue;
            }
            *known = level;
            for user in members.iter().flat_map(|m| &users[m.index()]) {
                let cluster = self.get(*user);
                let inside = own.is_some() && cluster == own;
                if *user <= last && !inside && self.level(*user) <= level {
                    let first = cluster.map_or(*user, |c| self.members[c][0]);
                    open.insert((self.level(*user), first));
                }
            }
        }
    }
}

fn cluster(g: &Graph, users: &[Vec<NodeId>]) -> Clusters {
    let mut c = Clusters {
        of: vec![None; g.nodes.len()],
        parent: Vec::new(),
        members: Vec::new(),
        node_levels: vec![0; g.nodes.len()],
        levels: Vec::new(),
    };
    for id in g.ids() {
        let node = &g[id];
        if !matches!(node.op, Op::Scalar(_)) || is_leaf(g, id) {
            c.lift(g, users, id, id);
            continue;
        }
        let mut joined: Option<usize> = None;
        for a in node.args.iter().rev() {
            let Some(candidate) = c.get(*a).filter(|_| g.shape(*a) == &node.shape) else {
                continue;
            };
            // No operand outside the candidate may depend on it.
            let outside = node.args.iter().filter(|o| c.get(**o) != Some(candidate));
            if depends(g, &c, outside.copied(), candidate) {
                continue;
            }
            match joined {
                None => joined = Some(candidate),
                Some(j) if j != candidate => {
                    let apart = |x: usize, y: usize| !depends(g, &c, sources(g, &c, x), y);
                    if apart(j, candidate) && apart(candidate, j) {
                        c.parent[candidate] = j;
                        let moved = std::mem::take(&mut c.members[candidate]);
                        // The readers of both must be above both.
                        let (low, high) = (
                            c.levels[j].min(c.levels[candidate]),
                            c.levels[j].max(c.levels[candidate]),
                        );
                        let first = c.members[j][0];
                        c.members[j].extend(moved);
                        c.levels[j] = low;
                        if low < high {
                            c.lift(g, users, first, id);
                        }
                    }
                }
                _ => {}
            }
        }
        let own = joined.unwrap_or_else(|| {
            c.parent.push(c.parent.len());
            c.members.push(Vec::new());
            c.levels.push(0);
            c.parent.len() - 1
        });
        c.of[id.index()] = Some(own);
        c.members[own].push(id);
        c.lift(g, users, id, id);
    }
    for m in &mut c.members {
        m.sort_unstable();
    }
    c
}

/// Moves the nodes that a cluster computes for a single other cluster into that one, if they can be recomputed from
/// values that are stored anyway: `y > 0` and `y (1 - y)` need not be saved beside `y`.
fn recompute(g: &Graph, users: &[Vec<NodeId>], c: &mut Clusters) {
    for u in g.ids().rev() {
        let Some(own) = c.get(u) else { continue };
        let Some(target) = users[u.index()].first().and_then(|v| c.get(*v)) else {
            continue;
        };
        let single = users[u.index()]
            .iter()
            .all(|v| c.get(*v) == Some(target) && g.shape(*v) == g.shape(u));
        if target == own || !single || g.outputs.contains(&u) {
            continue;
        }
        let mut group = vec![u];
        let mut next = 0;
        let mut stays = false;
        while let Some(&m) = group.get(next) {
            next += 1;
            stays |= !matches!(g[m].op, Op::Scalar(f) if f.cost() == Cost::Cheap);
            for &a in &g[m].args {
                let inside = c.get(a) == Some(own) && !group.contains(&a);
                let stored = g.outputs.contains(&a)
                    || users[a.index()]
                        .iter()
                        .any(|v| c.get(*v) != Some(own) && !group.contains(v));
                if inside && !stored {
                    stays |= users[a.index()].iter().any(|v| !group.contains(v));
                    group.push(a);
                } else if !inside && !group.contains(&a) && !is_leaf(g, a) && c.get(a) != Some(own)
                {
                    // An operand from another cluster would have to be read again.
                    stays = true;
                }
            }
        }
        if stays || group.len() > 4 {
            continue;
        }
        for m in group {
            c.members[own].retain(|x| *x != m);
            c.members[target].push(m);
            c.of[m.index()] = Some(target);
        }
        c.members[target].sort_unstable();
    }
}

/// The values that a cluster reads from outside.
fn sources<'a>(g: &'a Graph, c: &'a Clusters, cluster: usize) -> impl Iterator<Item = NodeId> + 'a {
    (c.members[cluster].iter())
        .flat_map(|m| &g[*m].args)
        .copied()
        .filter(move |a| c.get(*a) != Some(cluster))
}

/// Whether any of these values depends on a cluster. A cluster is computed as one node, so each member depends on the
/// operands of every other. A value that depends on a cluster has a higher level.
fn depends(g: &Graph, c: &Clusters, from: impl Iterator<Item = NodeId>, on: usize) -> bool {
    let mut open: Vec<NodeId> = from.collect();
    let below = |id: &NodeId| c.get(*id) != Some(on) && c.level(*id) <= c.levels[on];
    if open.iter().all(below) {
        return false;
    }
    let mut seen = vec![false; g.nodes.len()];
    while let Some(id) = open.pop() {
        let own = c.get(id);
        if own == Some(on) {
            return true;
        }
        let first = own.map_or(id, |o| c.members[o][0]).index();
        if c.level(id) <= c.levels[on] || std::mem::replace(&mut seen[first], true) {
            continue;
        }
        match own {
            Some(cluster) => open.extend(sources(g, c, cluster)),
            None => open.extend(&g[id].args),
        }
    }
    false
}
