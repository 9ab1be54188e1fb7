//! Memory: every value gets a place, from how long it lives.
//!
//! In: a fused graph in the order in which it runs, and which outputs are gradients of parameters.
//! After: inputs lie in the slots of their numbers; parameters and gradients in the flat buffers;
//! every other value in a slot that nobody else needs while it lives. Reshapes share their operand's
//! place. A map writes over an operand that it reads last, where both have the same elements.
//!
//! A slot is as large as the largest value that is ever in it, so a plan holds for all sizes of the
//! named dimensions; which values share a slot is chosen by their sizes at 64 for each symbol.

use crate::dim::{Dim, numel};
use crate::ir::{DType, Graph, NodeId, Op};

/// Where a value lies.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Place {
    /// A slot of the workspace.
    Slot(usize),
    /// A parameter.
    Param(usize),
    /// A parameter's gradient.
    Grad(usize),
}

/// The places of a graph's values.
#[derive(Clone, Debug, Default)]
pub struct Memory {
    /// For each node, the place of each result.
    pub place: Vec<Vec<Place>>,
    /// For each slot, the sizes and types of the values that are ever in it.
    pub slots: Vec<Vec<(Dim, DType)>>,
}

/// The value behind reshapes and `Get`s: the node that computes it, and which of its results.
pub fn root(g: &Graph, id: NodeId) -> (NodeId, usize) {
    match g[id].op {
        Op::Reshape => root(g, g[id].args[0]),
        Op::Get(k) => (g[id].args[0], k),
        _ => (id, 0),
    }
}

/// Assigns places. `grads`: outputs (by index) that are gradients, with their parameter; each must
/// be computed by a node of its own (`own_gradients`).
pub fn memory(g: &Graph, grads: &[(usize, usize)]) -> Memory {
    let results = |id: NodeId| 1 + g[id].also.len();
    let mut last: Vec<Vec<usize>> = g.ids().map(|id| vec![id.index(); results(id)]).collect();
    for id in g.ids() {
        for a in &g[id].args {
            let (n, k) = root(g, *a);
            last[n.index()][k] = last[n.index()][k].max(id.index());
        }
    }
    let mut memory = Memory {
        place: g
            .ids()
            .map(|id| vec![Place::Slot(usize::MAX); results(id)])
            .collect(),
        slots: Vec::new(),
    };
    for (i, o) in g.outputs.iter().enumerate() {
        let (n, k) = root(g, *o);
        match grads.iter().find(|(index, _)| *index == i) {
            Some((_, param)) => memory.place[n.index()][k] = Place::Grad(*param),
            None => last[n.index()][k] = usize::MAX,
        }
    }
    let inputs = g
        .nodes
        .iter()
        .filter(|n| matches!(n.op, Op::Input { .. }))
        .count();
    memory.slots = vec![Vec::new(); inputs];
    // Free slots, and those in use with the value that ends them.
    let mut free: Vec<usize> = Vec::new();
    let mut used: Vec<(usize, NodeId, usize)> = Vec::new();
    for id in g.ids() {
        let index = id.index();
        match g[id].op {
            Op::Input { index: k } => {
                memory.place[index][0] = Place::Slot(k);
                memory.slots[k].push((numel(g.shape(id)), g[id].dtype));
                used.push((k, id, 0));
                continue;
            }
            Op::Param { index: k } => {
                memory.place[index][0] = Place::Param(k);
                continue;
            }
            Op::Reshape | Op::Get(_) => {
                let (n, k) = root(g, id);
                memory.place[index][0] = memory.place[n.index()][k];
                continue;
            }
            _ => {}
        }
        let mut over = overwritable(g, id, &last, &memory);
        for k in 0..results(id) {
            if memory.place[index][k] != Place::Slot(usize::MAX) {
                continue;
            }
            let (size, dtype) = match k {
                0 => (numel(g.shape(id)), g[id].dtype),
                k => (numel(&g[id].also[k - 1].0), g[id].also[k - 1].1),
            };
            let taken = over
                .iter()
                .position(|(_, s, t)| *s == size && *t == dtype)
                .map(|i| over.swap_remove(i).0);
            let slot = match taken {
                Some(slot) => {
                    used.retain(|u| u.0 != slot);
                    slot
                }
                None => choose(&mut free, &mut memory.slots, &size, dtype),
            };
            memory.slots[slot].push((size, dtype));
            memory.place[index][k] = Place::Slot(slot);
            used.push((slot, id, k));
        }
        used.retain(|(slot, n, k)| {
            let ends = last[n.index()][*k] <= index;
            if ends {
                free.push(*slot);
            }
            !ends
        });
    }
    for sizes in &mut memory.slots {
        sizes.sort();
        sizes.dedup();
    }
    memory
}

/// Slots of operands that a map reads in place and nobody reads after it.
fn overwritable(
    g: &Graph,
    id: NodeId,
    last: &[Vec<usize>],
    memory: &Memory,
) -> Vec<(usize, Dim, DType)> {
    let node = &g[id];
    let Op::Map(map) = &node.op else {
        return Vec::new();
    };
    let mut out = Vec::new();
    for (i, (arg, access)) in node.args.iter().zip(&map.access).enumerate() {
        let (n, k) = root(g, *arg);
        let again = node
            .args
            .iter()
            .enumerate()
            .any(|(j, a)| j != i && root(g, *a) == (n, k));
        let dies = last[n.index()][k] == id.index();
        if let (Place::Slot(slot), true, false) = (memory.place[n.index()][k], dies, again)
            && access.is_identity()
            && *g.shape(*arg) == node.shape
        {
            out.push((slot, numel(&node.shape), g[*arg].dtype));
        }
    }
    out
}

/// The free slot that fits best, or a new one.
fn choose(
    free: &mut Vec<usize>,
    slots: &mut Vec<Vec<(Dim, DType)>>,
    size: &Dim,
    dtype: DType,
) -> usize {
    let bytes = estimate(size, dtype);
    let best = free
        .iter()
        .enumerate()
        .min_by_key(|(_, slot)| {
            slots[**slot]
                .iter()
                .map(|(s, t)| estimate(s, *t))
                .max()
                .unwrap_or(0)
                .abs_diff(bytes)
        })
        .map(|(i, _)| i);
    match best {
        Some(i) => free.swap_remove(i),
        None => {
            slots.push(Vec::new());
            slots.len() - 1
        }
    }
}

fn estimate(size: &Dim, dtype: DType) -> i64 {
    let width = if dtype == DType::Bool { 1 } else { 4 };
    size.eval(&|_| 64).unwrap_or(0).saturating_mul(width)
}

/// Gives every gradient output a node of its own to write it: a copy where it is a parameter, an
/// input, another output, or a gradient already.
pub fn own_gradients(mut g: Graph, grads: &[(usize, usize)]) -> Graph {
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

/// Gives every other output a place in the workspace: a copy where it is a parameter or an input,
/// or lies where another output does.
pub fn own_outputs(mut g: Graph, grads: &[(usize, usize)]) -> Graph {
    let mut taken: Vec<(NodeId, usize)> = Vec::new();
    for i in 0..g.outputs.len() {
        if grads.iter().any(|(index, _)| *index == i) {
            continue;
        }
        let o = g.outputs[i];
        let r = root(&g, o);
        if matches!(g[r.0].op, Op::Param { .. }) || taken.contains(&r) {
            let copy = copy(&mut g, o);
            g.outputs[i] = copy;
        } else {
            taken.push(r);
        }
    }
    g
}

fn copy(g: &mut Graph, x: NodeId) -> NodeId {
    use crate::ir::{Access, Instr, Map};
    let (shape, dtype) = (g.shape(x).clone(), g[x].dtype);
    let map = Map {
        access: vec![Access::identity(shape.len())],
        body: vec![Instr::Load(0)],
        types: vec![dtype],
        results: vec![0],
    };
    g.map(map, &[x], &shape)[0]
}
