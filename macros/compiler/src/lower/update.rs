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
    /// One element of an array of layers, the array, and its place.
    elements: Vec<(NodeId, NodeId, Dim)>,
}

impl Updates {
    /// The latest value of the node `id`.
    pub fn latest(&mut self, g: &mut Graph, id: NodeId) -> NodeId {
        if let Some((_, array, at)) = self.elements.iter().find(|e| e.0 == id).cloned() {
            let now = self.latest(g, array);
            return match now == array {
                true => id,
                false => self.element(g, now, at),
            };
        }
        let mut id = id;
        while let Some((_, newer)) = self.newer.iter().find(|n| n.0 == id) {
            id = *newer;
        }
        id
    }

    /// One element of an array's values.
    pub fn element(&mut self, g: &mut Graph, array: NodeId, at: Dim) -> NodeId {
        // Only one node for each, so that a gradient can be taken with respect to it.
        let known = self.elements.iter().find(|e| e.1 == array && e.2 == at);
        if let Some((id, _, _)) = known {
            return *id;
        }
        let one = part(g, array, at.clone(), Dim::one());
        let shape = g.shape(array)[1..].to_vec();
        let id = g.reshape(one, &shape);
        self.elements.push((id, array, at));
        id
    }

    /// Makes `value` the latest value of `home`. Gradients stop at it.
    pub fn assign(&mut self, g: &mut Graph, home: NodeId, value: NodeId) {
        if let Some((_, array, at)) = self.elements.iter().find(|e| e.0 == home).cloned() {
            let now = self.latest(g, array);
            let behind = at.add(&Dim::one());
            let (zero, left) = (Dim::from(0), g.shape(now)[0].sub(&behind));
            let mut one = g.shape(value).clone();
            one.insert(0, Dim::one());
            let mut parts = Vec::new();
            if at.value() != Some(0) {
                parts.push(part(g, now, zero.clone(), at));
            }
            parts.push(g.reshape(value, &one));
            if left.value() != Some(0) {
                parts.push(part(g, now, behind, left));
            }
            let whole = g.push(Concat { dim: 0 }, &parts, None);
            return self.assign(g, array, whole);
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
