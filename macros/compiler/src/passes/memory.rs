//! Memory: assigns each value a place, by its live range.
//!
//! Takes a fused graph in the order in which it runs, and the outputs that are gradients of parameters. After: inputs
//! are in the slots of their numbers; parameters and gradients are in the flat buffers; values kept from call to call
//! are in the state, written in place if no later node reads the old value; every other value is in a slot that no
//! other value uses during its live range. Reshapes share their operand's place. A map overwrites an operand that it is
//! the last to read, if both have the same elements.
//!
//! A scan's body is planned together with the scan, in the same slots: the body uses them while the scan runs, and all
//! steps share them.
//!
//! A slot is as large as the largest value that it ever holds, so a plan holds for all sizes of the named dimensions;
//! sizes at 64 for each symbol decide which values share a slot.

use super::placement::Placement;
use crate::dim::{Dim, Shape, numel};
use crate::ir::{DType, Graph, Node, NodeId, Op, Scan};
use std::collections::BTreeMap;

/// The place of a value.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub enum Place {
    /// A slot of the workspace.
    Slot(usize),
    /// A parameter.
    Param(usize),
    /// A parameter's gradient.
    Grad(usize),
    /// A value kept from call to call.
    State(usize),
    /// In a loop, each step's part of a place.
    Part(Box<Place>, usize),
    /// None yet.
    Open,
}

/// The places of a graph's values.
#[derive(Clone, Debug, Default)]
pub struct Memory {
    /// For each node, the place of each result.
    pub place: Vec<Vec<Place>>,
    /// For each slot, the sizes and types of the values that it ever holds.
    pub slots: Vec<Vec<(Dim, DType)>>,
    /// For each scan, by its node's number, its body.
    pub bodies: BTreeMap<usize, Body>,
}

/// The places of a body's values.
#[derive(Clone, Debug)]
pub struct Body {
    /// The loop's number, by which parts refer to its step.
    pub number: usize,
    /// The number of steps.
    pub count: Dim,
    /// The values' places, in the slots of the whole plan.
    pub memory: Memory,
}

/// The value behind reshapes and `Get`s: the node that computes it, and the number of the result.
pub fn root(g: &Graph, id: NodeId) -> (NodeId, usize) {
    match g[id].op {
        Op::Reshape | Op::Barrier => root(g, g[id].args[0]),
        Op::Get(k) => (g[id].args[0], k),
        _ => (id, 0),
    }
}

/// The sizes of a graph's values: for each node, the elements of each result and the bytes, with every symbol at 64.
pub type Sizes = Vec<Vec<(Dim, i64)>>;

/// Computes them.
pub fn sizes(g: &Graph) -> Sizes {
    let size = |(shape, dtype): (&Shape, DType)| {
        let size = numel(shape);
        let bytes = estimate(&size, dtype);
        (size, bytes)
    };
    let of = |node: &Node| {
        let more = node
            .more_results
            .iter()
            .map(|(shape, dtype)| (shape, *dtype));
        let all = std::iter::once((&node.shape, node.dtype)).chain(more);
        all.map(size).collect()
    };
    g.nodes.iter().map(of).collect()
}

/// Assigns places. Outputs with placement must be computed by separate nodes (`separate.rs`).
pub fn memory(g: &Graph, placement: &Placement) -> Memory {
    let (plan, mut memory) = assign(g, placement, &sizes(g));
    let values = |slot: Slot| {
        let mut values = slot.values;
        values.sort();
        values.dedup();
        values
    };
    memory.slots = plan.slots.into_iter().map(values).collect();
    memory
}

/// The plan of the slots, and the places.
fn assign(g: &Graph, placement: &Placement, sizes: &Sizes) -> (Plan, Memory) {
    let mut place = open(g);
    for (i, o) in g.outputs.iter().enumerate() {
        let (n, k) = root(g, *o);
        if let Some(param) = placement.gradient(i) {
            place[n.index()][k] = Place::Grad(param);
        }
    }
    let inputs = g.inputs();
    let last = last_reads(g);
    // A kept value is written in place, if no later node reads the old value.
    for (i, entry) in &placement.kept {
        let (n, k) = root(g, g.outputs[*i]);
        let old = placement.states.iter().find(|(_, e)| e == entry);
        let old = old.and_then(|(input, _)| inputs.get(*input));
        let fits =
            old.is_none_or(|old| last[old.index()][0] <= n.index() && in_place(g, n, k, (*old, 0)));
        if place[n.index()][k] == Place::Open && fits {
            place[n.index()][k] = Place::State(*entry);
        }
    }
    let mut plan = Plan {
        slots: vec![Slot::default(); inputs.len()],
        ..Plan::default()
    };
    // Inputs are in the slots of their numbers.
    let mut used = Vec::new();
    for (k, id) in inputs.into_iter().enumerate() {
        if let Some(entry) = placement.state(k) {
            place[id.index()][0] = Place::State(entry);
            continue;
        }
        place[id.index()][0] = Place::Slot(k);
        plan.slots[k].hold(&sizes[id.index()][0], g[id].dtype);
        used.push((k, id, 0));
    }
    let memory = plan.graph(g, sizes, place, used);
    (plan, memory)
}

/// The bytes of a graph's workspace, with every symbol at 64.
pub fn bytes(g: &Graph, placement: &Placement) -> i64 {
    bytes_of(g, placement, &sizes(g))
}

/// The same, given the sizes of its values.
pub fn bytes_of(g: &Graph, placement: &Placement, sizes: &Sizes) -> i64 {
    let (plan, _) = assign(g, placement, sizes);
    plan.slots.iter().map(|slot| slot.bytes).sum()
}

/// The bytes that a scan's body needs for itself: its inputs and results are elsewhere.
pub fn body_bytes(body: &Graph) -> i64 {
    let mut place = open(body);
    let inputs = body.inputs().into_iter().map(|id| (id, 0));
    for (n, k) in inputs.chain(body.outputs.iter().map(|o| root(body, *o))) {
        place[n.index()][k] = Place::Grad(0);
    }
    let mut plan = Plan::default();
    plan.graph(body, &sizes(body), place, Vec::new());
    plan.slots.iter().map(|slot| slot.bytes).sum()
}

fn results(g: &Graph, id: NodeId) -> usize {
    1 + g[id].more_results.len()
}

fn open(g: &Graph) -> Vec<Vec<Place>> {
    g.ids()
        .map(|id| vec![Place::Open; results(g, id)])
        .collect()
}

/// For each result, the last node that reads it; outputs are read at the end.
fn last_reads(g: &Graph) -> Vec<Vec<usize>> {
    let mut last: Vec<Vec<usize>> = (g.ids())
        .map(|id| vec![id.index(); results(g, id)])
        .collect();
    for id in g.ids() {
        for a in &g[id].args {
            let (n, k) = root(g, *a);
            last[n.index()][k] = last[n.index()][k].max(id.index());
        }
    }
    for o in &g.outputs {
        let (n, k) = root(g, *o);
        last[n.index()][k] = usize::MAX;
    }
    last
}

/// A slot of the workspace while places are assigned.
#[derive(Clone, Default)]
struct Slot {
    /// The values that it holds, one after another.
    values: Vec<(Dim, DType)>,
    /// The estimate for the largest.
    bytes: i64,
}

impl Slot {
    fn hold(&mut self, (size, bytes): &(Dim, i64), dtype: DType) {
        self.bytes = self.bytes.max(*bytes);
        self.values.push((size.clone(), dtype));
    }
}

/// The slots in use by a graph's own values.
struct InUse {
    /// For each slot, the number of the value in it.
    values: Vec<Option<usize>>,
    /// The values so far.
    count: usize,
    /// For each node, the slots whose values it is the last to read, with the numbers of these values.
    ends: Vec<Vec<(usize, usize)>>,
    /// The first node whose slots are still in use.
    next: usize,
}

impl InUse {
    fn new(nodes: usize) -> Self {
        InUse {
            values: Vec::new(),
            count: 0,
            ends: vec![Vec::new(); nodes],
            next: 0,
        }
    }

    /// A value is in a slot, until node `last` has run; it may overwrite another.
    fn begin(&mut self, slot: usize, last: usize) {
        if slot >= self.values.len() {
            self.values.resize(slot + 1, None);
        }
        self.values[slot] = Some(self.count);
        if let Some(ends) = self.ends.get_mut(last) {
            ends.push((slot, self.count));
        }
        self.count += 1;
    }

    fn holds(&self, slot: usize) -> bool {
        self.values.get(slot).copied().flatten().is_some()
    }

    /// The slots that are free after a node, and after the views before it, in the order of their values.
    fn end(&mut self, node: usize) -> Vec<usize> {
        let nodes = std::mem::replace(&mut self.next, node + 1)..=node;
        let ended = nodes.flat_map(|n| std::mem::take(&mut self.ends[n]));
        let mut ended: Vec<(usize, usize)> = ended.collect();
        ended.sort_by_key(|(_, value)| *value);
        ended.retain(|(slot, value)| self.values[*slot] == Some(*value));
        for (slot, _) in &ended {
            self.values[*slot] = None;
        }
        ended.into_iter().map(|(slot, _)| slot).collect()
    }

    /// The slots of the remaining values, in the order of these.
    fn rest(&self) -> Vec<usize> {
        let slots = (0..self.values.len()).filter(|s| self.holds(*s));
        let mut slots: Vec<usize> = slots.collect();
        slots.sort_by_key(|s| self.values[*s]);
        slots
    }
}

/// The slots of one plan while they are assigned.
#[derive(Default)]
struct Plan {
    slots: Vec<Slot>,
    free: Vec<usize>,
    loops: usize,
}

impl Plan {
    /// The places of a graph's values, some of which are given. `used`: slots in use by its own values, each with the
    /// value that occupies it.
    fn graph(
        &mut self,
        g: &Graph,
        sizes: &Sizes,
        mut place: Vec<Vec<Place>>,
        used: Vec<(usize, NodeId, usize)>,
    ) -> Memory {
        let last = last_reads(g);
        let mut in_use = InUse::new(g.nodes.len());
        for (slot, n, k) in used {
            in_use.begin(slot, last[n.index()][k]);
        }
        let mut bodies = BTreeMap::new();
        for id in g.ids() {
            let index = id.index();
            match g[id].op {
                Op::Input { .. } => continue,
                Op::Param { index: k } => {
                    place[index][0] = Place::Param(k);
                    continue;
                }
                Op::Reshape | Op::Barrier | Op::Get(_) => {
                    let (n, k) = root(g, id);
                    place[index][0] = place[n.index()][k].clone();
                    continue;
                }
                _ => {}
            }
            let mut over = overwritable(g, sizes, id, &last, &place);
            // A body's shared and carried values are in slots that the body must not reuse.
            over.retain(|o| in_use.holds(o.slot));
            for (k, open) in place[index].iter_mut().enumerate() {
                if *open != Place::Open {
                    continue;
                }
                let size = &sizes[index][k];
                let dtype = match k {
                    0 => g[id].dtype,
                    k => g[id].more_results[k - 1].1,
                };
                let fits = |o: &Over| {
                    o.size == size.0 && o.dtype == dtype && o.result.is_none_or(|r| r == k)
                };
                let slot = match over.iter().position(fits) {
                    Some(i) => over.swap_remove(i).slot,
                    None => choose(&mut self.free, &mut self.slots, size.1),
                };
                self.slots[slot].hold(size, dtype);
                *open = Place::Slot(slot);
                in_use.begin(slot, last[index][k]);
            }
            if let Op::Scan(scan) = &g[id].op {
                let body = self.body(g, id, scan, &place);
                bodies.insert(index, body);
            }
            self.free.extend(in_use.end(index));
        }
        // The remaining slots hold the results; a body's results are elsewhere, so its slots are free again.
        self.free.extend(in_use.rest());
        Memory {
            place,
            slots: Vec::new(),
            bodies,
        }
    }

    /// The places of a scan's body. Shared values are in the operands' places; a carried value is in the result's
    /// place, in all steps; slices and stacked values are in each step's part.
    fn body(&mut self, g: &Graph, id: NodeId, scan: &Scan, outer: &[Vec<Place>]) -> Body {
        let number = self.loops;
        self.loops += 1;
        let body = &scan.body;
        let mut place = open(body);
        let inputs = body.inputs();
        let end = scan.shared + scan.carried;
        let part = |p: &Place| Place::Part(Box::new(p.clone()), number);
        for (k, (input, arg)) in inputs.iter().zip(&g[id].args).enumerate() {
            let (n, r) = root(g, *arg);
            place[input.index()][0] = match k {
                _ if k < scan.shared => outer[n.index()][r].clone(),
                _ if k < end => outer[id.index()][k - scan.shared].clone(),
                _ => part(&outer[n.index()][r]),
            };
        }
        for (k, o) in body.outputs.iter().enumerate().skip(scan.carried) {
            let (n, r) = root(body, *o);
            place[n.index()][r] = part(&outer[id.index()][k]);
        }
        // A successor that is computed in place needs no copy, if no later node reads the old value.
        let last = last_reads(body);
        for (k, o) in body.outputs.iter().enumerate().take(scan.carried) {
            let (n, r) = root(body, *o);
            let input = inputs[scan.shared + k];
            let read = last[input.index()][0];
            let fits = read <= n.index() && in_place(body, n, r, (input, 0));
            if place[n.index()][r] == Place::Open && fits {
                place[n.index()][r] = outer[id.index()][k].clone();
            }
        }
        Body {
            number,
            count: scan.count.clone(),
            memory: self.graph(body, &sizes(body), place, Vec::new()),
        }
    }
}

/// Whether result `k` of a node may have the place of `x`: the node reads `x` once, each element where it writes it, or
/// does not read it.
fn in_place(g: &Graph, id: NodeId, k: usize, x: (NodeId, usize)) -> bool {
    let node = &g[id];
    let mut reads = (0..node.args.len()).filter(|i| root(g, node.args[*i]) == x);
    match (reads.next(), reads.next()) {
        (None, _) => true,
        (Some(i), None) => over(g, id, i).is_some_and(|result| result.is_none_or(|r| r == k)),
        _ => false,
    }
}

/// Whether a node may overwrite its operand number `i`, and if so, with which result; `None` for any result.
fn over(g: &Graph, id: NodeId, i: usize) -> Option<Option<usize>> {
    let node = &g[id];
    match &node.op {
        Op::Map(map) => {
            let fits = map.access[i].is_identity() && *g.shape(node.args[i]) == node.shape;
            fits.then_some(None)
        }
        Op::Kernel(kind) => (kind.over() == Some(i)).then_some(None),
        Op::Scan(scan) if i < scan.shared => None,
        Op::Scan(scan) if i < scan.shared + scan.carried => Some(Some(i - scan.shared)),
        Op::Scan(scan) => stacked_over(scan, i).map(Some),
        _ => None,
    }
}

/// The stacked result whose parts may overwrite the slices of operand `i` in each step.
fn stacked_over(scan: &Scan, i: usize) -> Option<usize> {
    let body = &scan.body;
    let slice = *body.inputs().get(i)?;
    let last = last_reads(body)[slice.index()][0];
    (scan.carried..body.outputs.len()).find(|k| {
        let (n, r) = root(body, body.outputs[*k]);
        let computed = !matches!(body[n].op, Op::Input { .. });
        computed
            && body[n].dtype == body[slice].dtype
            && numel(body.shape(body.outputs[*k])) == numel(body.shape(slice))
            && last <= n.index()
            && in_place(body, n, r, (slice, 0))
    })
}

/// A slot that a node may overwrite.
struct Over {
    slot: usize,
    size: Dim,
    dtype: DType,
    /// The result that may overwrite it; `None` for any.
    result: Option<usize>,
}

/// Slots of operands that no later node reads, and that a map reads in place, or that hold the first value of a scan's
/// carried value.
fn overwritable(
    g: &Graph,
    sizes: &Sizes,
    id: NodeId,
    last: &[Vec<usize>],
    place: &[Vec<Place>],
) -> Vec<Over> {
    let node = &g[id];
    let mut out = Vec::new();
    for (i, arg) in node.args.iter().enumerate() {
        let (n, k) = root(g, *arg);
        let Some(result) = self::over(g, id, i) else {
            continue;
        };
        // Each result takes only one place.
        if result.is_some() && out.iter().any(|o: &Over| o.result == result) {
            continue;
        }
        let again = (node.args.iter().enumerate()).any(|(j, a)| j != i && root(g, *a) == (n, k));
        let dies = last[n.index()][k] == id.index();
        if let (Place::Slot(slot), true, false) = (&place[n.index()][k], dies, again) {
            out.push(Over {
                slot: *slot,
                size: sizes[arg.index()][0].0.clone(),
                dtype: g[*arg].dtype,
                result,
            });
        }
    }
    out
}

/// The free slot that fits best, or a new one.
fn choose(free: &mut Vec<usize>, slots: &mut Vec<Slot>, bytes: i64) -> usize {
    let best = free
        .iter()
        .enumerate()
        .min_by_key(|(_, slot)| slots[**slot].bytes.abs_diff(bytes))
        .map(|(i, _)| i);
    match best {
        Some(i) => free.swap_remove(i),
        None => {
            slots.push(Slot::default());
            slots.len() - 1
        }
    }
}

/// Bytes of a value, with every symbol at 64; limited, so that sums do not wrap.
fn estimate(size: &Dim, dtype: DType) -> i64 {
    let width = dtype.size(size_of::<f32>()) as i64;
    let bytes = size.eval(&|_| 64).unwrap_or(i64::MAX).saturating_mul(width);
    bytes.min(1 << 40)
}
