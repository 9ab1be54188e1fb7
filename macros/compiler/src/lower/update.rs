//! Writes of a function: buffers of the network, assigned in training.
//!
//! A graph overwrites nothing: a buffer is identified by the node that reads it, its *home*, and an assignment makes
//! another node its latest value. Both belong to one graph. At the end of a body, the buffers that it assigned become
//! results of the loop or call, and the latest values outside.

use super::Lower;
use crate::dim::Dim;
use crate::ir::{Graph, NodeId, Op};
use crate::kinds::concat::Concat;

/// The latest values of one graph.
#[derive(Default)]
pub struct Updates {
    /// A value and its replacement.
    newer: Vec<(NodeId, NodeId)>,
    parts: Vec<Part>,
}

/// One element, or some, of an array of layers.
#[derive(Clone)]
struct Part {
    id: NodeId,
    array: NodeId,
    first: Dim,
    /// `None` for one element, whose shape lacks the dimension of the array.
    count: Option<Dim>,
}

impl Updates {
    /// The latest value of the node `id`.
    pub fn latest(&mut self, g: &mut Graph, id: NodeId) -> NodeId {
        if let Some(p) = self.parts.iter().find(|p| p.id == id).cloned() {
            let now = self.latest(g, p.array);
            return match now == p.array {
                true => id,
                false => self.part(g, now, p.first, p.count),
            };
        }
        let mut id = id;
        while let Some((_, newer)) = self.newer.iter().find(|n| n.0 == id) {
            id = *newer;
        }
        id
    }

    /// `count` elements of an array's values from number `first` on; with `None` that element alone.
    pub fn part(&mut self, g: &mut Graph, array: NodeId, first: Dim, count: Option<Dim>) -> NodeId {
        // Only one node for each, so that a gradient can be taken with respect to it.
        let known = |p: &&Part| p.array == array && p.first == first && p.count == count;
        if let Some(p) = self.parts.iter().find(known) {
            return p.id;
        }
        let some = count.clone().unwrap_or_else(Dim::one);
        let mut id = part(g, array, first.clone(), some);
        if count.is_none() {
            let shape = g.shape(array)[1..].to_vec();
            id = g.reshape(id, &shape);
        }
        self.parts.push(Part {
            id,
            array,
            first,
            count,
        });
        id
    }

    /// Makes `value` the latest value of `home`. Gradients stop at it.
    pub fn assign(&mut self, g: &mut Graph, home: NodeId, value: NodeId) {
        if let Some(p) = self.parts.iter().find(|p| p.id == home).cloned() {
            let now = self.latest(g, p.array);
            let count = p.count.clone().unwrap_or_else(Dim::one);
            let after = p.first.add(&count);
            let left = g.shape(now)[0].sub(&after);
            let mut parts = Vec::new();
            if p.first.value() != Some(0) {
                parts.push(part(g, now, Dim::from(0), p.first));
            }
            parts.push(match p.count {
                Some(_) => value,
                None => {
                    let mut one = g.shape(value).clone();
                    one.insert(0, Dim::one());
                    g.reshape(value, &one)
                }
            });
            if left.value() != Some(0) {
                parts.push(part(g, now, after, left));
            }
            let whole = match parts[..] {
                [all] => all,
                _ => g.push(Concat { dim: 0 }, &parts, None),
            };
            return self.assign(g, p.array, whole);
        }
        let last = self.latest(g, home);
        let value = g.push(Op::Detach, &[value], None);
        self.newer.push((last, value));
    }
}

/// `count` elements of the first dimension.
fn part(g: &mut Graph, x: NodeId, first: Dim, count: Dim) -> NodeId {
    let mut shape = g.shape(x).clone();
    let mut start = vec![Dim::from(0); shape.len()];
    let step = vec![1; shape.len()];
    start[0] = first;
    shape[0] = count;
    g.push(Op::Slice { start, step }, &[x], Some(shape))
}

impl Lower<'_> {
    /// Whether assignments to buffers take effect: in training, with calls inlined.
    pub fn updating(&self) -> bool {
        self.cx.train && !self.opaque
    }

    /// The latest value of a parameter or buffer of an outer graph, as read in this one.
    pub fn current(&mut self, id: NodeId, from: usize) -> NodeId {
        let home = self.home(id, from);
        self.updates.latest(&mut self.cx.g, home)
    }

    /// The same, but the node that an assignment in this graph replaces.
    pub fn home(&mut self, id: NodeId, from: usize) -> NodeId {
        (from..self.depth()).fold(id, |id, level| {
            let frame = &mut self.frames[level];
            let latest = frame.updates.latest(&mut frame.outer, id);
            self.capture(latest, level)
        })
    }
}
