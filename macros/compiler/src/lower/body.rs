//! Bodies: the step of a scan, the iteration of a loop. Each is lowered into its own graph, where a value from outside
//! becomes an input when it is first read.

use super::update::Updates;
use super::{Local, Lower};
use crate::dim::{Dim, Shape};
use crate::ir::{DType, Graph, Here, NodeId, Op, Scan};
use crate::ranges::Ranges;
use crate::value::{LayerRef, Tensor, Value};
use std::collections::HashMap;

/// The surroundings of a body that is being lowered.
pub struct Frame {
    /// The graph around the body.
    pub outer: Graph,
    /// The latest values of its buffers.
    pub updates: Updates,
    origin: HashMap<NodeId, String>,
    ranges: Ranges,
    scope: HashMap<String, Local>,
    mutable: Vec<String>,
    /// Values of `outer` that the body reads, with its inputs for them.
    captured: Vec<(NodeId, NodeId)>,
}

/// A finished body.
pub struct Body {
    graph: Graph,
    /// Captures: the value outside, its input here, and its new value, if it is a buffer that the body assigns.
    captured: Vec<(NodeId, NodeId, Option<NodeId>)>,
    /// Carried values and slices, with their new values.
    inputs: Vec<(NodeId, Option<NodeId>)>,
}

/// A loop that is not yet a node.
pub struct Loop {
    scan: Scan,
    /// The outer values that all steps share.
    shared: Vec<NodeId>,
    /// Outer buffers that it assigns: they are carried from step to step, before all other values.
    written: Vec<NodeId>,
    /// Inputs (carried values, then slices) that are assigned buffers of layers in an array: their values are stacked,
    /// after all other values.
    stacked: Vec<usize>,
}

impl Body {
    fn number(&mut self, order: Vec<NodeId>) {
        for (index, id) in order.into_iter().enumerate() {
            self.graph.nodes[id.index()].op = Op::Input { index };
        }
    }

    /// The captured outer values, the graph, and the outer buffers that its last results replace.
    pub fn parts(mut self) -> (Vec<NodeId>, Graph, Vec<NodeId>) {
        self.number(self.captured.iter().map(|c| c.1).collect());
        let written = self.captured.iter().filter_map(|c| Some((c.0, c.2?)));
        let (written, values): (Vec<_>, Vec<_>) = written.unzip();
        self.graph.outputs.extend(values);
        let shared = self.captured.iter().map(|c| c.0).collect();
        (shared, self.graph, written)
    }

    /// The loop operation. The first `carried` inputs are carried, the others are slices.
    pub fn scan(mut self, name: &str, count: Dim, reverse: bool, carried: usize) -> Loop {
        let (written, shared): (Vec<_>, Vec<_>) =
            (self.captured.iter().copied()).partition(|c| c.2.is_some());
        let captured = shared.iter().chain(&written).map(|c| c.1);
        let order = captured.chain(self.inputs.iter().map(|i| i.0)).collect();
        self.number(order);
        let outputs = std::mem::take(&mut self.graph.outputs);
        let stacked: Vec<usize> = (0..self.inputs.len())
            .filter(|i| self.inputs[*i].1.is_some())
            .collect();
        let first = written.iter().filter_map(|c| c.2);
        let last = self.inputs.iter().filter_map(|i| i.1);
        self.graph.outputs = first.chain(outputs).chain(last).collect();
        Loop {
            scan: Scan {
                name: name.to_owned(),
                body: self.graph,
                count,
                reverse,
                shared: shared.len(),
                carried: written.len() + carried,
            },
            shared: shared.iter().map(|c| c.0).collect(),
            written: written.iter().map(|c| c.0).collect(),
            stacked,
        }
    }
}

impl Lower<'_> {
    /// The current depth of nested bodies.
    pub fn depth(&self) -> usize {
        self.frames.len()
    }

    /// Starts a body: nodes belong to it until `close`.
    pub fn open(&mut self) {
        let inner = Graph {
            here: self.cx.g.here.clone(),
            ..Graph::default()
        };
        self.frames.push(Frame {
            outer: std::mem::replace(&mut self.cx.g, inner),
            updates: std::mem::take(&mut self.updates),
            origin: std::mem::take(&mut self.cx.origin),
            ranges: std::mem::take(&mut self.cx.ranges),
            scope: self.scope.clone(),
            mutable: self.mutable.clone(),
            captured: Vec::new(),
        });
    }

    /// An input of the body: a carried value or a slice.
    pub fn body_input(&mut self, shape: &Shape, dtype: DType) -> NodeId {
        let op = Op::Input { index: 0 };
        self.cx.g.add_typed(op, &[], shape.clone(), dtype)
    }

    /// Ends the body and returns it with these inputs and outputs. Names bound inside are removed.
    pub fn close(&mut self, inputs: &[NodeId], outputs: Vec<NodeId>) -> Body {
        let Some(frame) = self.frames.pop() else {
            unreachable!("every `close` follows its `open`")
        };
        let mut graph = std::mem::replace(&mut self.cx.g, frame.outer);
        let mut updates = std::mem::replace(&mut self.updates, frame.updates);
        self.cx.origin = frame.origin;
        self.cx.ranges = frame.ranges;
        self.scope = frame.scope;
        self.mutable = frame.mutable;
        let mut replaced = |id: NodeId| Some(updates.latest(&mut graph, id)).filter(|v| *v != id);
        let captured = (frame.captured.iter())
            .map(|(outside, id)| (*outside, *id, replaced(*id)))
            .collect();
        let inputs = inputs.iter().map(|id| (*id, replaced(*id))).collect();
        graph.outputs = outputs;
        Body {
            graph,
            captured,
            inputs,
        }
    }

    /// Adds a loop. Returns its results; results that are buffers are assigned.
    pub fn add_loop(&mut self, l: Loop, carried: &[NodeId], slices: &[NodeId]) -> Vec<NodeId> {
        let inputs = [carried, slices].concat();
        let operands = [l.shared, l.written.clone(), inputs.clone()].concat();
        let types = l.scan.results();
        let op = Op::Scan(Box::new(l.scan));
        let mut results = self.cx.g.add_many(op, &operands, &types);
        let stacked = results.split_off(results.len() - l.stacked.len());
        let others = results.split_off(l.written.len());
        let placement = l.stacked.iter().map(|i| inputs[*i]);
        let placement = l.written.iter().copied().chain(placement);
        for (home, value) in placement.zip(results.into_iter().chain(stacked)) {
            self.updates.assign(&mut self.cx.g, home, value);
        }
        others
    }

    /// Whether a value of the current body comes from outside.
    pub fn is_from_outside(&self, id: NodeId) -> bool {
        let frame = self.frames.last();
        frame.is_some_and(|f| f.captured.iter().any(|c| c.1 == id))
    }

    /// The value in the current graph of a value of an outer graph.
    pub fn bring(&mut self, id: NodeId, from: usize) -> NodeId {
        (from..self.frames.len()).fold(id, |id, level| self.capture(id, level))
    }

    /// The value, one graph deeper, of a value of the graph at `level`.
    pub fn capture(&mut self, id: NodeId, level: usize) -> NodeId {
        let (outside, inside) = self.frames.split_at_mut(level + 1);
        let frame = &mut outside[level];
        if let Some(known) = frame.captured.iter().find(|c| c.0 == id) {
            return known.1;
        }
        let (graph, origin, ranges) = match inside.first_mut() {
            Some(next) => (&mut next.outer, &mut next.origin, &mut next.ranges),
            None => (&mut self.cx.g, &mut self.cx.origin, &mut self.cx.ranges),
        };
        let node = &frame.outer[id];
        let here = Here {
            span: node.span,
            name: node.name.clone(),
        };
        let here = std::mem::replace(&mut graph.here, here);
        // Constants are built again inside.
        let op = match &node.op {
            op @ (Op::Const(_) | Op::Whole(_) | Op::Size(_)) => op.clone(),
            _ => Op::Input { index: 0 },
        };
        let constant = !matches!(op, Op::Input { .. });
        let inner = graph.add_typed(op, &[], node.shape.clone(), node.dtype);
        graph.here = here;
        if let Some(text) = frame.origin.get(&id) {
            origin.insert(inner, text.clone());
        }
        ranges.follow(inner, &frame.ranges, id);
        if !constant {
            frame.captured.push((id, inner));
        }
        inner
    }

    /// The same for any value of a name.
    pub fn bring_value(&mut self, value: Value, from: usize) -> Value {
        if from == self.depth() {
            return value;
        }
        match value {
            Value::Tensor(t) => Value::Tensor(Tensor {
                id: self.bring(t.id, from),
                text: t.text,
            }),
            Value::Tuple(items) => Value::Tuple(self.bring_all(items, from)),
            Value::List(items) => Value::List(self.bring_all(items, from)),
            Value::Layer(layer) => Value::Layer(LayerRef {
                params: layer.params.iter().map(|p| self.home(*p, from)).collect(),
                ..layer
            }),
            other => other,
        }
    }

    fn bring_all(&mut self, items: Vec<Value>, from: usize) -> Vec<Value> {
        items
            .into_iter()
            .map(|v| self.bring_value(v, from))
            .collect()
    }

    /// The function's own graph, at any depth.
    pub fn root(&mut self) -> &mut Graph {
        match self.frames.first_mut() {
            Some(frame) => &mut frame.outer,
            None => &mut self.cx.g,
        }
    }
}
